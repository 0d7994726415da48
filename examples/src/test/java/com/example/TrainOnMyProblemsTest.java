package com.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainOnMyProblemsTest {
    /** Three iterations with a lag of one: two updates. */
    @Test
    void trainsForTwoUpdatesAndLeavesAModel(@TempDir Path runs) throws Exception {
        Path model = TrainOnMyProblems.train(runs, 3);
        assertTrue(Files.size(model.resolve("model.safetensors")) > 1_000_000);
        assertEquals(
                3, Files.readAllLines(model.resolveSibling("metrics.jsonl")).size());
    }
}

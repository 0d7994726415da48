package com.example;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads the metrics of a run: one JSON object an iteration, in {@code metrics.jsonl} of its folder. */
public final class ReadRun {
    private ReadRun() {}

    public static void main(String[] args) throws IOException {
        for (JsonNode iteration : metrics(Path.of(args[0]))) {
            // A field that has no meaning in an iteration is absent.
            System.out.println(
                    iteration.get("iteration") + "\t" + iteration.path("reward") + "\t" + iteration.path("entropy"));
        }
    }

    static List<JsonNode> metrics(Path run) throws IOException {
        JsonMapper json = new JsonMapper();
        return Files.readAllLines(run.resolve("metrics.jsonl")).stream()
                .map(json::readTree)
                .toList();
    }
}

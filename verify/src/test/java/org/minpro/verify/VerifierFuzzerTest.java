package org.minpro.verify;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The fuzz target on its seeds and on what fuzzing found. */
final class VerifierFuzzerTest {
    static List<Path> seeds() throws IOException, URISyntaxException {
        URL folder = Objects.requireNonNull(VerifierFuzzer.class.getResource("fuzz"));
        try (Stream<Path> files = Files.list(Path.of(folder.toURI()))) {
            return files.sorted().toList();
        }
    }

    @Tag("slow")
    @ParameterizedTest
    @MethodSource("seeds")
    void holdsOnTheSeed(Path seed) throws IOException {
        VerifierFuzzer.check(Files.readAllBytes(seed), 100_000);
    }

    @Test
    void theCorpusIsThere() throws IOException, URISyntaxException {
        assertThat(seeds()).hasSizeGreaterThanOrEqualTo(60);
    }
}

package org.minpro.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** What prose says about its number, in the wordings of wordings.tsv and in those that users reported. */
final class WordingsTest {
    private static final Verifier VERIFIER = new Verifier();

    @Test
    void everyWordingHasAnAllowedVerdict() throws IOException {
        List<String> failures = new ArrayList<>();
        int rows = 0;
        try (InputStream stream = WordingsTest.class.getResourceAsStream("wordings.tsv")) {
            assertThat(stream).isNotNull();
            for (String line : new String(stream.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                if (!line.startsWith("#") && !line.isBlank()) {
                    String[] fields = line.split("\t", -1);
                    rows++;
                    check(fields[1], fields[2].replace('\u2424', '\n'), fields[3].replace('\u2424', '\n'), failures);
                }
            }
        }
        assertThat(failures).isEmpty();
        assertThat(rows).isGreaterThan(1000);
    }

    @Test
    void everyReportedCaseHasAnAllowedVerdict() throws IOException {
        Path file = SharedReferences.folder()
                .map(data -> data.resolveSibling("fixtures").resolve("field-reports/verify.jsonl"))
                .orElse(Path.of("verify.jsonl"));
        assumeTrue(Files.isRegularFile(file), "skipped: no shared/fixtures/field-reports beside the project");
        List<String> failures = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            String gold = SharedReferences.field(line, "gold");
            String answer = SharedReferences.field(line, "answer");
            String expected = SharedReferences.field(line, "expected");
            assertThat(gold).isNotNull();
            check(String.valueOf(expected), String.valueOf(gold), String.valueOf(answer), failures);
        }
        assertThat(failures).isEmpty();
    }

    private static void check(String allowed, String gold, String completion, List<String> failures) {
        Verdict verdict = VERIFIER.verify(gold, completion);
        List<String> kinds = List.of(allowed.split("\\|"));
        if (!kinds.contains(verdict.kind().name().toLowerCase(Locale.ROOT))) {
            failures.add(gold + " | " + completion + " must be " + allowed + ", got: " + verdict);
        }
    }
}

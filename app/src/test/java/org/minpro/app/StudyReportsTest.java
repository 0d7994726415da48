package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.minpro.study.RunKey;
import org.minpro.study.RunResult;
import org.minpro.study.Study;
import org.minpro.study.StudyTables;

/** What docs/study keeps of the studies that were run. */
final class StudyReportsTest {
    private static final Path REPORTS = Path.of("..", "docs", "study");
    private static final long MOST_BYTES = 3_000_000;

    static List<Path> reports() throws IOException {
        try (Stream<Path> folders = Files.list(REPORTS)) {
            return folders.filter(Files::isDirectory).sorted().toList();
        }
    }

    /** Their numbers are of what the recipe says now: with them the recipe's study goes on, and does no run again. */
    @ParameterizedTest
    @MethodSource("reports")
    void aStudyGoesOnFromItsNumbers(Path folder, @TempDir Path temporary) throws IOException {
        // Those with a base read it from the repository's root.
        Path recipe = Path.of("..", "recipes", "study", folder.getFileName() + ".yaml");
        Path standing = temporary.resolve("study.yaml");
        Files.writeString(standing, Files.readString(recipe).replace("base: recipes", "base: ../recipes"));
        Study study = Study.read(standing, getClass().getClassLoader());
        Map<RunKey, String> settings = new HashMap<>();
        study.runs().forEach(run -> settings.put(run.key(), run.settings()));
        List<RunResult> results = StudyTables.open(folder, study.axisNames()).results();
        assertThat(results).isNotEmpty().allSatisfy(result -> {
            assertThat(settings).containsEntry(result.key(), result.settings());
            assertThat(result.curve().points()).isNotEmpty();
        });
        assertThat(Files.readString(folder.resolve("report.html")))
                .contains(study.recipe().title())
                .doesNotContain("<script", "src=", "url(");
    }

    @Test
    void theyAreSmall() throws IOException {
        try (Stream<Path> files = Files.walk(REPORTS)) {
            assertThat(files.filter(Files::isRegularFile)
                            .mapToLong(file -> file.toFile().length())
                            .sum())
                    .isLessThanOrEqualTo(MOST_BYTES);
        }
    }
}

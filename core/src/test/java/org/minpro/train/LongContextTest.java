package org.minpro.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.minpro.model.HuggingFaceReader;
import org.minpro.model.LanguageHead;
import org.minpro.model.Parameters;
import org.minpro.model.TokenBlock;
import org.minpro.model.Transformer;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Rows of 8,192 tokens against transformers, and the memory that they take. */
@Tag("slow")
class LongContextTest {
    private static final double TOLERANCE = 1e-4;

    /** Peaks with room for another machine's allocator: the figures themselves stand in docs/performance.md. */
    @ParameterizedTest
    @CsvSource({"sample, 2500", "train, 2500"})
    void memoryGrowsWithTheTokensAndLogProbsAreThoseOfTransformers(String work, long megabytes)
            throws IOException, InterruptedException {
        assumeTrue(Files.exists(Path.of("/proc/self/status")), "the system does not tell a process's peak of memory");
        Path output = Files.createTempFile("long-context", ".txt");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-Duser.home=" + System.getProperty("user.home"),
                        "-cp",
                        System.getProperty("java.class.path"),
                        LongContextRun.class.getName(),
                        folder().toString(),
                        work)
                .redirectOutput(output.toFile())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        assertThat(process.waitFor()).isZero();
        List<String> lines = Files.readAllLines(output);
        Files.delete(output);
        int half = LongContextRun.LENGTH / 2;
        assertThat(lines).hasSize(2 * half + 1);
        for (int row = 0; row < 2; row++) {
            assertClose(
                    row,
                    lines.subList(row * half, (row + 1) * half).stream()
                            .mapToDouble(Double::parseDouble)
                            .toArray());
        }
        long peak = Long.parseLong(lines.getLast()) * 1024 / 1_000_000;
        System.getLogger("org.minpro").log(System.Logger.Level.INFO, "{0}: peak of {1} MB", work, peak);
        assertThat(peak).as("peak of resident memory, MB").isLessThan(megabytes);
    }

    @Test
    void aSharedPromptOfThousandsOfTokensGivesTheLogProbsOfTransformers() {
        HuggingFaceReader files = HuggingFaceReader.open(folder());
        int[][] rows = new int[2][];
        Arrays.setAll(rows, row -> LongContextRun.sequence(row, files.config().vocabSize()));
        int half = LongContextRun.LENGTH / 2;
        try (Parameters parameters = Parameters.zeros(files.config(), Device.CPU, DType.F32);
                Transformer model = new Transformer(files.config(), parameters);
                Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            files.load(parameters.named());
            TokenBlock block = new TokenBlock(
                    List.of(Arrays.copyOf(rows[0], half)),
                    new int[2],
                    List.of(Arrays.copyOf(rows[1], 100), Arrays.copyOfRange(rows[0], half, LongContextRun.LENGTH)));
            double[] logProbs = new LanguageHead(model, 1)
                    .logProbs(model.hidden(block), Tensor.of(Device.CPU, block.targets()), false)
                    .logProbs()
                    .doubles();
            assertClose(0, Arrays.copyOfRange(logProbs, 100, logProbs.length));
        }
    }

    /** @param logProbs of the second half of a sequence */
    private static void assertClose(int sequence, double[] logProbs) {
        JsonNode reference =
                JsonMapper.shared().readTree(folder().resolve("reference.json").toFile());
        int step = reference.get("step").intValue();
        JsonNode expected = reference.get("log_probs").get(sequence);
        assertThat(logProbs).hasSize(LongContextRun.LENGTH / 2);
        int compared = 0;
        for (int token = step; token < LongContextRun.LENGTH; token += step) {
            int at = token - logProbs.length;
            if (at >= 0) {
                double value = expected.get(token / step - 1).doubleValue();
                assertThat(Math.abs(logProbs[at] - value))
                        .as("sequence %d, token %d", sequence, token)
                        .isLessThanOrEqualTo(TOLERANCE * Math.max(1, Math.abs(value)));
                compared++;
            }
        }
        assertThat(compared).isEqualTo(64);
    }

    private static Path folder() {
        try {
            return Path.of(Objects.requireNonNull(LongContextTest.class.getResource("/models/long-context"))
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}

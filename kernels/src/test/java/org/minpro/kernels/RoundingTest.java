package org.minpro.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.minpro.model.Kernels;
import org.minpro.model.ModelConfig;
import org.minpro.model.Parameters;
import org.minpro.model.Transformer;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;

/** What processors do whose products depend on the rows beside a row: sampler and trainer agree to rounding, and a run says so. */
class RoundingTest {
    private static final double MOST_OF_F32 = 1e-4;
    private static final double MOST_OF_BF16 = 0.1;

    @TempDir
    Path folder;

    /** The furthest that a token's log mu is from its log pi, nats. */
    private static double mismatch(Transformer model, List<RolloutRequest> requests) {
        SamplingParams params = ExactnessTest.sampling(1, 0, 1, 0);
        List<Rollout> rollouts = ExactnessTest.sampled(model, requests, params, 16, 2);
        float[][] trained = ExactnessTest.trained(model, rollouts, params.temperature(), 300, 2);
        double most = 0;
        for (int row = 0; row < trained.length; row++) {
            for (int t = 0; t < trained[row].length; t++) {
                double difference =
                        Math.abs((double) trained[row][t] - rollouts.get(row).behaviorLogProbs()[t]);
                assertThat(difference).isNotNaN();
                most = Math.max(most, difference);
            }
        }
        return most;
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "BF16"})
    void rowsThatMayNotComeAloneAreDecodedInAllSlots(DType type) {
        ModelConfig config = Models.experts();
        VectorSteps steps = new VectorSteps(config, Device.CPU, type, false);
        assertThat(steps.decoded(5, slot -> slot == 2)).containsExactly(0, 1, 2, 3, 4);
        try (Parameters parameters = Models.parameters(config, type);
                Transformer model = new Transformer(config, parameters, steps)) {
            // Ten responses in sixteen slots: some rows are always of idle ones.
            assertThat(mismatch(model, ExactnessTest.requests(config).subList(0, 4)))
                    .isLessThan(type == DType.F32 ? MOST_OF_F32 : MOST_OF_BF16);
        }
    }

    /** In a process of its own: how wide vectors are, and what oneDNN multiplies with, is found once in each. */
    static final class Narrow {
        private Narrow() {}

        /** Says a line of the vectors, and one of each type: whether it is exact, how far it is from that, and the notices. */
        public static void main(String[] arguments) {
            System.out.println(Kernels.description());
            for (DType type : List.of(DType.F32, DType.BF16)) {
                double most = 0;
                for (ModelConfig config : List.of(Models.builtin(), Models.experts())) {
                    try (Parameters parameters = Models.parameters(config, type);
                            Transformer model = new Transformer(config, parameters)) {
                        most = Math.max(most, mismatch(model, ExactnessTest.requests(config)));
                    }
                }
                System.out.println(
                        Kernels.exact(type) + " " + most + " " + String.join("; ", Kernels.notices(Device.CPU, type)));
            }
        }
    }

    @Tag("slow")
    @Test
    void vectorsOf256BitsAreExactInFloat32AndSayWhetherTheyAreInBfloat16() throws IOException, InterruptedException {
        PackedRowsTest.assumeInstructions("avx2");
        ProcessBuilder narrow = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--add-modules",
                "jdk.incubator.vector",
                "-XX:UseAVX=2",
                "-Xmx1g",
                "-Duser.home=" + System.getProperty("user.home"),
                "-cp",
                System.getProperty("java.class.path"),
                Narrow.class.getName());
        narrow.environment().put("ONEDNN_MAX_CPU_ISA", "AVX2");
        Path output = folder.resolve("output");
        Process process = narrow.redirectOutput(output.toFile()).start();
        String said = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        List<String> lines = Files.readAllLines(output);
        assertThat(lines).hasSize(3);
        assertThat(lines.getFirst()).isEqualTo("vectors of 256 bits");
        assertThat(lines.get(1)).isEqualTo("true 0.0 ");
        if (lines.get(2).startsWith("true")) {
            assertThat(lines.get(2)).isEqualTo("true 0.0 ");
        } else {
            String[] ofBfloat16 = lines.get(2).split(" ", 3);
            assertThat(Double.parseDouble(ofBfloat16[1])).isLessThan(MOST_OF_BF16);
            assertThat(ofBfloat16[2])
                    .startsWith("log-probabilities of sampling and training agree to rounding, not to the bit: on this"
                            + " processor a row of a product of BF16");
        }
    }
}

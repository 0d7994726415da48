package org.minpro.rollout.served;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.model.HuggingFaceReader;
import org.minpro.model.Parameters;
import org.minpro.model.PolicyVersion;
import org.minpro.model.Transformer;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;
import org.minpro.run.ModelFiles;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;

/** What is another's with SGLang: its log-probabilities, and what a server that stands still answers. */
@SuppressWarnings("NullAway.Init") // before each
class SglangRolloutTest {
    private static final SamplingParams WARM = new SamplingParams(0.7, 0, 1, 0, 10, List.of(), List.of(), false);
    private static final List<RolloutRequest> REQUESTS = List.of(RolloutRequest.of(0, new int[] {3, 4, 5}, 4));

    @TempDir
    Path folder;

    private final List<String> notices = Collections.synchronizedList(new ArrayList<>());
    private Parameters parameters;
    private PolicyVersion version;
    private FakeSglang server;

    /** The server's model, by the number of the version. */
    private static final class Weights implements TrainerWeights {
        private static double scale(PolicyVersion version) {
            return 1 + 0.5 * version.number();
        }

        @Override
        public boolean isAdapter() {
            return false;
        }

        @Override
        public void write(PolicyVersion version, Path target) {
            try {
                Files.writeString(target.resolve(FakeSglang.WEIGHTS), String.valueOf(scale(version)));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public List<double[]> score(PolicyVersion version, List<int[]> sequences, double temperature) {
            double[] logProbs = FakeSglang.logProbs(scale(version), temperature);
            return sequences.stream()
                    .map(ids -> Arrays.stream(ids)
                            .skip(1)
                            .mapToDouble(id -> logProbs[id])
                            .toArray())
                    .toList();
        }
    }

    @BeforeEach
    void serve() throws IOException {
        HuggingFaceReader files =
                HuggingFaceReader.open(ModelFiles.open("builtin").path());
        parameters = Parameters.zeros(files.config(), Device.CPU, DType.F32);
        version = new PolicyVersion(3, new Transformer(files.config(), parameters));
        server = new FakeSglang();
    }

    @AfterEach
    void stop() {
        server.close();
        version.close();
        parameters.close();
    }

    private ServedRolloutEngine connect() {
        RolloutSettings settings = new RolloutSettings(
                RolloutSettings.Engine.SERVED,
                RolloutSettings.Server.SGLANG,
                List.of(server.url()),
                "policy",
                "",
                4,
                "",
                "",
                3,
                5,
                5,
                5,
                0);
        return ServedRolloutEngine.connect(
                new ServedRolloutEngine.Setup(
                        settings,
                        new Weights(),
                        folder.resolve("weights"),
                        11,
                        FakeSglang.VOCABULARY,
                        1e-3,
                        Arrays::toString,
                        notices::add),
                Duration.ofMillis(100));
    }

    private void assertAtTemperature(double temperature, List<Rollout> rollouts) {
        double[] logProbs = FakeSglang.logProbs(Weights.scale(version), temperature);
        assertThat(rollouts).hasSize(4);
        for (Rollout rollout : rollouts) {
            for (int t = 0; t < rollout.length(); t++) {
                assertThat(rollout.behaviorLogProbs()[t])
                        .isCloseTo((float) logProbs[rollout.responseIds()[t]], within(1e-5f));
            }
        }
    }

    @Test
    void logProbsAreOfTheTemperatureThatIsSampledAt() {
        try (ServedRolloutEngine engine = connect()) {
            engine.publish(version);
            assertAtTemperature(0.7, engine.generate(REQUESTS, WARM, rollout -> {}));
            assertThat(notices).anyMatch(line -> line.endsWith("and are processed"));
        }
    }

    @Test
    void thoseOfTemperatureOneAreRefusedWithTheVariableToUnset() {
        server.original = true;
        try (ServedRolloutEngine engine = connect()) {
            engine.publish(version);
            assertThatThrownBy(() -> engine.generate(REQUESTS, WARM, rollout -> {}))
                    .hasMessageContaining("start it without SGLANG_RETURN_ORIGINAL_LOGPROB in its environment");
            assertAtTemperature(1, engine.generate(REQUESTS, SamplingParams.of(10, List.of()), rollout -> {}));
        }
    }

    /** After weights that were refused, or a run that was ended between pause and resume. */
    @Test
    @Timeout(30)
    void aServerThatWasLeftPausedIsUsedAgain() {
        server.failing = 1;
        try (ServedRolloutEngine engine = connect()) {
            assertThatThrownBy(() -> engine.publish(version)).hasMessageContaining("must load");
        }
        assertThat(server.isPaused()).isTrue();
        try (ServedRolloutEngine engine = connect()) {
            engine.publish(version);
            assertAtTemperature(0.7, engine.generate(REQUESTS, WARM, rollout -> {}));
        }
        assertThat(server.isPaused()).isFalse();
    }
}

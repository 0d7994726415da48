package org.minpro.rollout;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.minpro.model.ModelConfig;
import org.minpro.model.Parameters;
import org.minpro.model.TinyModels;
import org.minpro.model.Transformer;
import org.minpro.tensor.DType;
import org.minpro.tensor.Engine;
import org.minpro.tensor.Workers;

/** More than 100,000 sampled tokens: ids and bytes of log mu are the same however the rows are asked for. */
@Tag("slow")
class RolloutInvarianceTest {
    private static final int ROWS = 512;
    private static final int TOKENS = 100;
    private static final SamplingParams PARAMS = SamplingParams.of(TOKENS, List.of());

    @Test
    void batchesWorkersAndOrderChangeNoBit() {
        long tokens = sampledTokens(TinyModels.dense()) + sampledTokens(TinyModels.experts());
        assertThat(tokens).isGreaterThanOrEqualTo(100_000);
        System.getLogger("org.minpro").log(System.Logger.Level.INFO, "{0} tokens on {1}", tokens, Engine.kernels());
    }

    private static long sampledTokens(ModelConfig config) {
        Random random = new Random(2);
        List<RolloutRequest> requests = new ArrayList<>();
        for (int i = 0; i < ROWS; i++) {
            requests.add(RolloutRequest.of(
                    i, random.ints(3 + random.nextInt(20), 2, 97).toArray(), 1));
        }
        try (Transformer model = TinyModels.random(config, DType.F32, 7);
                Parameters parameters = model.parameters()) {
            List<Rollout> reference = generate(model, requests, 64, 1);
            List<RolloutRequest> reversed = new ArrayList<>(requests);
            Collections.reverse(reversed);
            assertThat(generate(model, reversed, 32, 3)).as(Engine.kernels()).isEqualTo(reference);
            assertThat(generate(model, requests.subList(0, 140), 7, 2))
                    .as(Engine.kernels())
                    .isEqualTo(reference.subList(0, 140));
            assertThat(generate(model, requests.subList(0, 24), 1, 1))
                    .as(Engine.kernels())
                    .isEqualTo(reference.subList(0, 24));
            return reference.stream().mapToLong(Rollout::length).sum();
        }
    }

    /** Asks for so many rows at a time. */
    private static List<Rollout> generate(Transformer model, List<RolloutRequest> requests, int batch, int workers) {
        List<Rollout> rollouts = new ArrayList<>();
        try (Workers pool = new Workers(workers);
                LocalRolloutEngine engine = LocalRolloutEngine.over(model, pool, 16, 42, ids -> "")) {
            for (int start = 0; start < requests.size(); start += batch) {
                rollouts.addAll(engine.generate(
                        requests.subList(start, Math.min(requests.size(), start + batch)), PARAMS, rollout -> {}));
            }
        }
        rollouts.sort(Comparator.comparingLong(Rollout::draw));
        return rollouts;
    }
}

package org.minpro.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.minpro.model.Kernels;
import org.minpro.model.ModelConfig;
import org.minpro.model.Parameters;
import org.minpro.model.Transformer;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;
import org.minpro.rollout.TokenListener;
import org.minpro.tensor.DType;
import org.minpro.tensor.Workers;

class FewResponsesTest {
    private static final int WORKERS = 3;

    /** Each thread waits at its first token until all have one: a worker that does it alone would wait in vain. */
    @Test
    void areDecodedByAllWorkers() {
        assumeTrue(Kernels.vectors(), Kernels.reason());
        ModelConfig config = Models.builtin();
        Random random = new Random(3);
        List<RolloutRequest> requests = new ArrayList<>();
        for (int i = 0; i < 2 * WORKERS; i++) {
            requests.add(RolloutRequest.of(i, Models.ids(config, random, 5), 1));
        }
        Set<Thread> threads = ConcurrentHashMap.newKeySet();
        CountDownLatch all = new CountDownLatch(WORKERS);
        TokenListener listener = (draw, sample, id) -> {
            if (threads.add(Thread.currentThread())) {
                all.countDown();
                awaitAll(all);
            }
        };
        try (Parameters parameters = Models.parameters(config, DType.F32);
                Transformer model = new Transformer(config, parameters);
                Workers workers = new Workers(WORKERS);
                LocalRolloutEngine engine = LocalRolloutEngine.over(model, workers, 16, 1, ids -> "")) {
            engine.generate(requests, SamplingParams.of(4, List.of()), listener, rollout -> {});
        }
        assertThat(threads).hasSize(WORKERS);
    }

    private static void awaitAll(CountDownLatch all) {
        try {
            assertThat(all.await(20, TimeUnit.SECONDS))
                    .as("all workers have a response")
                    .isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

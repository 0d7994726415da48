package org.minpro.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.SequencedMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.dist.RanksInThreads;
import org.minpro.model.GradientSums;
import org.minpro.model.Parameters;
import org.minpro.model.TinyModels;
import org.minpro.model.WeightGradients;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

class OverlappedExchangeTest {
    private static final int RANKS = 2;

    @TempDir
    private Path temporary;

    private static void awaitExchanged(OverlappedExchange exchange, int buckets) {
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (exchange.exchanged() < buckets && System.nanoTime() < end) {
            LockSupport.parkNanos(100_000);
        }
        assertThat(exchange.exchanged()).isEqualTo(buckets);
    }

    /** Each lane's gradient of a parameter is its number plus 1. */
    private static void compute(int lane, GradientSums gradients, Iterable<String> names) {
        WeightGradients ofBlock = gradients.ofBlock(0);
        names.forEach(name -> ofBlock.sum(name).fillInPlace(lane + 1.0));
        ofBlock.end();
    }

    @Test
    void aBucketIsExchangedWhileLanesAreStillAtWorkOnceAllOfThemAreDoneWithIt() throws Exception {
        CyclicBarrier together = new CyclicBarrier(RANKS);
        RanksInThreads.run(temporary.resolve("meeting"), RANKS, Duration.ofSeconds(20), ranks -> {
            int one = ranks.rank();
            int two = ranks.rank() + RANKS;
            try (Parameters parameters = Parameters.zeros(TinyModels.dense(), Device.CPU, DType.F32);
                    GradientSums ofOne = new GradientSums(DType.F32, parameters, 1);
                    GradientSums ofTwo = new GradientSums(DType.F32, parameters, 1)) {
                Ownership ownership = new Ownership(parameters.trainable(), ranks.learning());
                Buckets buckets = ownership.buckets();
                try (OverlappedExchange exchange = new OverlappedExchange(
                        new GradientExchange(ownership, Reduce.ORDERED), ownership, parameters.trainable(), 4)) {
                    compute(one, ofOne, buckets.names(0));
                    compute(two, ofTwo, buckets.names(0));
                    exchange.passed(one, 1, ofOne);
                    together.await();
                    assertThat(exchange.exchanged()).isZero();
                    exchange.passed(two, 1, ofTwo);
                    // Both have three quarters of their work before them.
                    awaitExchanged(exchange, 1);
                    together.await();
                    compute(one, ofOne, buckets.names(1));
                    compute(two, ofTwo, buckets.names(1));
                    exchange.ended(two, ofTwo);
                    exchange.ended(one, ofOne);
                    SequencedMap<String, Tensor> sums = exchange.sum();
                    // Nobody had a gradient of what is in the last bucket.
                    assertThat(sums.keySet())
                            .hasSize(buckets.names(0).size() + buckets.names(1).size())
                            .containsExactlyElementsOf(parameters.trainable().keySet().stream()
                                    .filter(sums::containsKey)
                                    .toList());
                    try (Scope scope = Scope.open()) {
                        sums.forEach((name, sum) -> {
                            Ownership.Slice mine = ownership.mine(name);
                            assertThat(Ownership.part(sum, mine.start(), mine.length())
                                            .equal(1 + 2 + 3 + 4)
                                            .all())
                                    .as(name)
                                    .isTrue();
                        });
                    }
                    sums.values().forEach(Tensor::close);
                }
            }
            return true;
        });
    }

    @Test
    void anExchangeThatIsGivenUpEndsAndFreesWhatItWasGiven() throws Exception {
        RanksInThreads.run(temporary.resolve("meeting"), RANKS, Duration.ofSeconds(20), ranks -> {
            try (Parameters parameters = Parameters.zeros(TinyModels.dense(), Device.CPU, DType.F32);
                    GradientSums gradients = new GradientSums(DType.F32, parameters, 1)) {
                Ownership ownership = new Ownership(parameters.trainable(), ranks.learning());
                Tensor given =
                        gradients.ofBlock(0).sum(ownership.buckets().names(1).getFirst());
                try (OverlappedExchange exchange = new OverlappedExchange(
                        new GradientExchange(ownership, Reduce.ORDERED), ownership, parameters.trainable(), 4)) {
                    // The other lane of this rank has failed.
                    exchange.ended(ranks.rank(), gradients);
                }
                assertThat(given.isOpen()).isFalse();
            }
            return true;
        });
    }
}

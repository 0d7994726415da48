package org.minpro.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.minpro.tensor.DType;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.TestDevice;

/** Entries in bfloat16, as a GPU keeps them, against entries in float32. */
class LibtorchCacheTest {
    private static final ModelConfig CONFIG = TinyModels.dense();
    private static final int SLOTS = 3;
    private static final int CAPACITY = 64;
    private static final int PROMPT = 9;

    private static Tensor normals(Random random, long... shape) {
        long elements = 1;
        for (long size : shape) {
            elements *= size;
        }
        double[] values = new double[Math.toIntExact(elements)];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextGaussian();
        }
        return Tensor.of(TestDevice.HERE, values, shape).to(DType.F32);
    }

    private static KeyValueCache.Prefix prefix(Random random) {
        return new KeyValueCache.Prefix(
                PROMPT,
                normals(random, 2, CONFIG.layers(), PROMPT, CONFIG.keyValueHeads(), CONFIG.headDim())
                        .retain(),
                normals(random, 1, CONFIG.hiddenSize()).retain());
    }

    /** Results of all layers over a prompt and five tokens; after the third a slot is parked and comes back. */
    private static List<double[]> attended(DType entries) {
        Random random = new Random(4);
        List<double[]> results = new ArrayList<>();
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open();
                KeyValueCache.Prefix prefix = prefix(random);
                KeyValueCache cache =
                        new LibtorchCache(CONFIG, TestDevice.HERE, entries, SLOTS, CAPACITY, LibtorchCache.STEP)) {
            for (int slot = 0; slot < SLOTS; slot++) {
                cache.fill(slot, prefix);
            }
            for (int t = 0; t < 5; t++) {
                if (t == 3) {
                    try (KeyValueCache.Parked parked = cache.park(1, PROMPT + t)) {
                        cache.resume(1, parked);
                    }
                }
                KeyValueCache.Step step =
                        cache.admit(new int[] {0, 1, 2}, new long[] {PROMPT + t, PROMPT + t, PROMPT + t});
                for (int layer = 0; layer < CONFIG.layers(); layer++) {
                    Tensor result = step.attend(layer, new Tensor[] {
                        normals(random, SLOTS, CONFIG.heads(), CONFIG.headDim()),
                        normals(random, SLOTS, CONFIG.keyValueHeads(), CONFIG.headDim()),
                        normals(random, SLOTS, CONFIG.keyValueHeads(), CONFIG.headDim())
                    });
                    assertThat(result.type()).isEqualTo(DType.F32);
                    assertThat(result.shape()).containsExactly(SLOTS, (long) CONFIG.heads() * CONFIG.headDim());
                    results.add(result.doubles());
                }
            }
        }
        return results;
    }

    @Test
    void entriesInBfloat16GiveTheSameUpToTheirRounding() {
        List<double[]> wide = attended(DType.F32);
        List<double[]> half = attended(DType.BF16);
        double difference = 0;
        double size = 0;
        for (int i = 0; i < wide.size(); i++) {
            for (int j = 0; j < wide.get(i).length; j++) {
                difference += Math.pow(wide.get(i)[j] - half.get(i)[j], 2);
                size += Math.pow(wide.get(i)[j], 2);
            }
        }
        // A bfloat16 has eight bits: 2^-9 of a number, and of each key a part of that in the scores.
        assertThat(Math.sqrt(difference / size)).isBetween(1e-4, 2e-2);
    }
}

package org.minpro.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.minpro.model.KeyValueCache;
import org.minpro.model.ModelConfig;
import org.minpro.model.Parameters;
import org.minpro.model.PolicyVersion;
import org.minpro.model.Transformer;
import org.minpro.tensor.DType;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/** Slots that share a prompt: stored once, freed once, and a slot's token has the bits that it has by itself. */
class BlockCacheTest {
    private static final ModelConfig CONFIG = Models.builtin();

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "BF16"})
    void promptIsStoredOnceAndFreedWithItsLastSlot(DType type) {
        Random random = new Random(1);
        try (Parameters parameters = Models.parameters(CONFIG, type);
                Transformer model = new Transformer(CONFIG, parameters);
                PolicyVersion version = new PolicyVersion(0, model);
                NoGradient off = NoGradient.open();
                KeyValueCache.Prefix prefix = version.decoder(16).prefill(Models.ids(CONFIG, random, 40));
                KeyValueCache.Prefix few = version.decoder(16).prefill(Models.ids(CONFIG, random, 7))) {
            BlockCache cache = new BlockCache(CONFIG, model.device(), type, 4, 100, 60);
            cache.fill(0, prefix);
            Tensor stored = cache.stored(prefix).orElseThrow();
            assertThat(stored.shape())
                    .containsExactly(CONFIG.layers(), 2, CONFIG.keyValueHeads(), 32, CONFIG.headDim());
            cache.fill(1, prefix);
            cache.fill(2, prefix);
            // Less than a block: nothing to share.
            cache.fill(3, few);
            assertThat(cache.stored(few)).isEmpty();
            assertThat(cache.stored(prefix)).containsSame(stored);
            cache.release(0);
            // A slot that is filled anew gives up what it had.
            cache.fill(1, few);
            assertThat(stored.isOpen()).isTrue();
            cache.release(2);
            assertThat(stored.isOpen()).isFalse();
            assertThat(cache.stored(prefix)).isEmpty();
            cache.fill(0, prefix);
            stored = cache.stored(prefix).orElseThrow();
            assertThat(stored.isOpen()).isTrue();
            cache.close();
            assertThat(stored.isOpen()).isFalse();
        }
    }

    /** What is written by address: a tensor with too few numbers would be read behind its end. */
    @Test
    void wrongShapesAreRefusedBeforeAnyWrite() {
        Random random = new Random(3);
        try (Parameters parameters = Models.parameters(CONFIG, DType.F32);
                Transformer model = new Transformer(CONFIG, parameters);
                PolicyVersion version = new PolicyVersion(0, model);
                NoGradient off = NoGradient.open();
                Scope scope = Scope.open();
                KeyValueCache.Prefix prefix = version.decoder(16).prefill(Models.ids(CONFIG, random, 20));
                BlockCache cache = new BlockCache(CONFIG, model.device(), DType.F32, 3, 100, 60)) {
            cache.fill(0, prefix);
            cache.fill(1, prefix);
            List<float[]> before = numbers(cache);
            for (int given : new int[] {19, 7}) {
                for (int length : new int[] {20, 40}) {
                    KeyValueCache.Prefix wrong =
                            new KeyValueCache.Prefix(length, prefix.entries().narrow(2, 0, given), prefix.lastHidden());
                    assertThatThrownBy(() -> cache.fill(1, wrong))
                            .isInstanceOf(IllegalArgumentException.class)
                            .hasMessage(
                                    "entries of a prompt of %d tokens must be F32 [2, 3, %d, 4, 32],"
                                            + " got: Tensor(F32 [2, 3, %d, 4, 32])",
                                    length, length, given);
                    assertThat(cache.stored(wrong)).isEmpty();
                }
            }
            assertThat(cache.stored(prefix)).isPresent();
            KeyValueCache.Step step = cache.admit(new int[] {0, 1}, new long[] {20, 20});
            for (int wrong = 0; wrong < 3; wrong++) {
                for (int rows : new int[] {1, 3}) {
                    Tensor[] queryKeyValue = new Tensor[3];
                    for (int i = 0; i < 3; i++) {
                        queryKeyValue[i] = Tensor.ones(model.device(), DType.F32, i == wrong ? rows : 2, 4, 32);
                    }
                    assertThatThrownBy(() -> step.attend(0, queryKeyValue))
                            .isInstanceOf(IllegalArgumentException.class)
                            .hasMessage(
                                    "%s must be F32 [2, 4, 32], got: Tensor(F32 [%d, 4, 32])",
                                    List.of("queries", "keys", "values").get(wrong), rows);
                }
            }
            Transformer decoder = version.decoder(16);
            assertThatThrownBy(() -> decoder.decode(cache, new int[] {0, 1}, new long[] {5}, new long[] {20, 20}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("ids and positions must be as many as slots (2), got: 1 ids and 2 positions");
            assertThat(numbers(cache)).usingRecursiveComparison().isEqualTo(before);
        }
    }

    private static List<float[]> numbers(BlockCache cache) {
        return cache.tensors().stream().map(Tensor::floats).toList();
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "BF16"})
    void slotsAreDecodedTogetherOrAlone(DType type) {
        Random random = new Random(2);
        try (Parameters parameters = Models.parameters(CONFIG, type);
                Transformer model = new Transformer(CONFIG, parameters);
                PolicyVersion version = new PolicyVersion(0, model);
                NoGradient off = NoGradient.open();
                Scope scope = Scope.open();
                KeyValueCache cache = model.cache(5, 100, 60);
                KeyValueCache.Prefix shared = version.decoder(16).prefill(Models.ids(CONFIG, random, 35));
                KeyValueCache.Prefix other = version.decoder(16).prefill(Models.ids(CONFIG, random, 20))) {
            Transformer decoder = version.decoder(16);
            cache.fill(0, shared);
            cache.fill(1, other);
            cache.fill(2, shared);
            cache.fill(4, shared);
            int[] slots = {4, 3, 1, 0, 2};
            long[] ids = {5, 0, 6, 7, 8};
            long[] positions = {35, 0, 20, 35, 35};
            double[] together = decoder.decode(cache, slots, ids, positions).doubles();
            int hidden = CONFIG.hiddenSize();
            for (int row = 0; row < slots.length; row++) {
                double[] alone = decoder.decode(
                                cache, new int[] {slots[row]}, new long[] {ids[row]}, new long[] {positions[row]})
                        .doubles();
                assertThat(alone).isEqualTo(Arrays.copyOfRange(together, row * hidden, (row + 1) * hidden));
            }
        }
    }
}

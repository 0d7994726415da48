package org.minpro.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;
import org.minpro.train.AdamW;
import org.minpro.train.OptimizerSettings;

/**
 * Everything that belongs to a model follows its device, shown with {@link Device#META}, which is on every machine: a
 * tensor that forgot the device would be on the CPU, and META's kernels refuse most of those. libtorch has no META kernel
 * for the selection of rows, so no block goes through a whole model here.
 */
class DevicesTest {
    static List<ModelConfig> models() {
        return List.of(TinyModels.dense(), TinyModels.experts());
    }

    private static void assertOnMeta(Map<String, Tensor> tensors) {
        assertThat(tensors).isNotEmpty();
        assertThat(tensors.values()).allSatisfy(DevicesTest::assertOnMeta);
    }

    private static void assertOnMeta(Tensor tensor) {
        assertThat(tensor.device()).isEqualTo(Device.META);
    }

    @ParameterizedTest
    @MethodSource("models")
    void weightsAndTheirCopiesAreOnTheirDevice(ModelConfig config) {
        try (Parameters parameters = Parameters.zeros(config, Device.META, DType.F32);
                Parameters other = parameters.inType(config, DType.BF16);
                Parameters copy = parameters.copy(config);
                Parameters leaves = parameters.alias();
                GradientSums sums = new GradientSums(DType.F32, leaves, 1);
                WeightGradients gradients = sums.ofBlock(0)) {
            parameters.initialise(1, 0.1);
            copy.copyFrom(parameters);
            for (Parameters each : List.of(parameters, other, copy, leaves)) {
                assertThat(each.device()).isEqualTo(Device.META);
                assertOnMeta(each.stored());
            }
            try (Scope scope = Scope.open()) {
                parameters.trainable().keySet().forEach(name -> assertOnMeta(gradients.sum(name)));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void theHeadAndItsWayBackStayOnTheDevice(ModelConfig config) {
        try (Parameters parameters = Parameters.zeros(config, Device.META, DType.BF16);
                Parameters leaves = parameters.alias();
                Transformer model = new Transformer(config, leaves);
                GradientSums sums = new GradientSums(DType.F32, leaves, 1);
                WeightGradients gradients = sums.ofBlock(0);
                Scope scope = Scope.open()) {
            Tensor hidden = Tensor.zeros(model.device(), DType.BF16, 70, config.hiddenSize());
            Tensor targets = Tensor.of(model.device(), new long[70]);
            LanguageHead.Pass pass = new LanguageHead(model, 0.9, 32, 20).record(hidden, targets, true);
            assertOnMeta(pass.result().logProbs());
            assertThat(pass.result().entropies()).satisfies(DevicesTest::assertOnMeta);
            assertOnMeta(pass.gradient(pass.result().logProbs(), gradients));
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void aBlocksIndicesAndTheCacheAreOnTheDevice(ModelConfig config) {
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open();
                RotaryTable rotary = new RotaryTable(config, Device.META, DType.F32, 32);
                KeyValueCache cache = new LibtorchCache(config, Device.META, DType.F32, 3, 64, 32)) {
            TokenBlock.Placed placed =
                    TokenBlock.of(new int[] {1, 2}, new int[] {3, 4, 5}).place(Device.META);
            assertOnMeta(placed.ids());
            assertOnMeta(placed.positions());
            assertOnMeta(placed.predicting());
            assertThat(rotary.tables(8)).allSatisfy(DevicesTest::assertOnMeta);
            // An operation on tensors of two devices throws.
            cache.admit(new int[] {0, 1, 2}, new long[] {1, 2, 3});
            Tensor entries = Tensor.zeros(
                    Device.META, DType.F32, 2, config.layers(), 5, config.keyValueHeads(), config.headDim());
            cache.fill(1, new KeyValueCache.Prefix(5, entries, entries));
            cache.release(1);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "F64"})
    void theOptimizersStateIsWhereTheWeightsAre(DType type) {
        ModelConfig config = TinyModels.dense();
        try (Parameters master = Parameters.zeros(config, Device.META, type);
                AdamW optimizer = new AdamW(new OptimizerSettings(), master);
                Workers workers = new Workers(1);
                Scope scope = Scope.open()) {
            assertOnMeta(optimizer.state());
            optimizer.step(master, master.trainable(), 0.1, 0.5, workers);
            assertOnMeta(optimizer.state());
            assertThatThrownBy(() -> master.stored("model.norm.weight").item()).isInstanceOf(RuntimeException.class);
        }
    }
}

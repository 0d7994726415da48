package org.minpro.kernels;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.minpro.model.Kernels;
import org.minpro.model.ModelConfig;
import org.minpro.model.ModelSteps;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Tensor;

/** What {@link Kernels} finds by the name of this class. */
public final class VectorKernels implements Kernels.Provider {
    /** Fewer lanes are slower than libtorch. */
    private static final int LEAST_LANES = 8;

    private final Map<DType, Boolean> exact = new ConcurrentHashMap<>();

    @Override
    public void check() {
        if (Vectors.LANES < LEAST_LANES) {
            throw new IllegalStateException("vectors must have 256 bits or more, got: " + 32 * Vectors.LANES);
        }
        SelfCheck.attention();
    }

    @Override
    public String description() {
        return 32 * Vectors.LANES + " bits";
    }

    @Override
    public boolean exact(DType type) {
        return exact.computeIfAbsent(type, SelfCheck::productsOfRowsAlone);
    }

    @Override
    public Kernels.OptimizerStep optimizerStep() {
        return VectorKernels::step;
    }

    private static void step(
            Tensor parameter, Tensor mean, Tensor square, Tensor gradient, Kernels.OptimizerStep.Factors factors) {
        long count = parameter.elements();
        AdamWStep.adamw(
                TensorMemory.written("parameter", parameter, DType.F32, count),
                TensorMemory.written("mean", mean, DType.F32, count),
                TensorMemory.written("square", square, DType.F32, count),
                TensorMemory.dense("gradient", gradient, DType.F32, count).address(),
                count,
                new AdamWStep.Factors(
                        factors.scale(),
                        factors.decay(),
                        factors.beta1(),
                        factors.beta2(),
                        factors.step(),
                        factors.rootCorrection(),
                        factors.epsilon()));
    }

    @Override
    public @Nullable ModelSteps steps(ModelConfig config, Device device, DType type) {
        return type == DType.F32 || type == DType.BF16 ? new VectorSteps(config, device, type, exact(type)) : null;
    }
}

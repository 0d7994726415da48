package org.minpro.model;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.Tensor;

/**
 * A model's weights packed for products, each when it is first needed; to be used as long as the weights do not change,
 * and by any number of threads. They take the weights' memory a second time until they are closed. What cannot be packed
 * is used as it is.
 */
public final class PackedWeights implements AutoCloseable {
    private final ModelSteps steps;
    private final int rows;
    /** By the address of the weight. */
    private final Map<Long, Optional<PackedMatrix>> packed = new ConcurrentHashMap<>();

    /**
     * Weights of which none is packed yet.
     *
     * @param steps that pack
     * @param rows that most products will have
     */
    public PackedWeights(ModelSteps steps, int rows) {
        this.steps = steps;
        this.rows = rows;
    }

    /** The model over these weights; its products are without gradients. */
    public Transformer over(Transformer model) {
        return model.with(this::linear);
    }

    /**
     * {@code x weight^T + bias}, {@code [rows, out]}; without gradients.
     *
     * @param x {@code [rows, in]}
     * @param weight {@code [out, in]}, which lives as long as these weights
     * @param bias {@code [out]}, or null
     */
    public Tensor linear(Tensor x, Tensor weight, @Nullable Tensor bias) {
        Optional<PackedMatrix> matrix =
                packed.computeIfAbsent(weight.address(), address -> Optional.ofNullable(steps.pack(weight, rows)));
        return matrix.isPresent() ? matrix.get().linear(x, bias) : LinearMap.PLAIN.apply(x, weight, bias);
    }

    @Override
    public void close() {
        packed.values().forEach(matrix -> matrix.ifPresent(PackedMatrix::close));
        packed.clear();
    }
}

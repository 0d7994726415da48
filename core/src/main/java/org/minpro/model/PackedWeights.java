package org.minpro.model;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.PackedWeight;
import org.minpro.tensor.Tensor;

/**
 * A model's weights packed for decoding, each when it is first needed; to be used as long as the weights do not change,
 * and by any number of threads. They take the weights' memory a second time until they are closed. What cannot be packed
 * is used as it is.
 */
public final class PackedWeights implements AutoCloseable {
    private final int rows;
    /** By the address of the weight. */
    private final Map<Long, PackedWeight> packed = new ConcurrentHashMap<>();

    /** @param rows that are decoded at once */
    public PackedWeights(int rows) {
        this.rows = rows;
    }

    /** The model over these weights, for generating; without gradients. */
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
        if (!PackedWeight.canPack(weight)) {
            return LinearMap.PLAIN.apply(x, weight, bias);
        }
        return packed.computeIfAbsent(weight.address(), address -> PackedWeight.of(weight, rows))
                .linear(x, bias);
    }

    @Override
    public void close() {
        packed.values().forEach(PackedWeight::close);
        packed.clear();
    }
}

package org.minpro.model;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
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
    /** Those of the weights that are not trained; null where all are packed here. */
    private final @Nullable PackedWeights frozen;

    /** Who made them, and whoever called {@link #hold}. */
    private final AtomicInteger holders = new AtomicInteger(1);

    /** By the address of the weight. */
    private final Map<Long, Optional<PackedMatrix>> packed = new ConcurrentHashMap<>();

    /**
     * Weights of which none is packed yet.
     *
     * @param steps that pack
     * @param rows that most products will have
     */
    public PackedWeights(ModelSteps steps, int rows) {
        this(steps, rows, null);
    }

    /**
     * Weights of which none is packed yet, beside those that are not trained and packed for several versions of a model.
     *
     * @param frozen the latter, held until these are closed; null where there are none
     */
    PackedWeights(ModelSteps steps, int rows, @Nullable PackedWeights frozen) {
        this.steps = steps;
        this.rows = rows;
        this.frozen = frozen == null ? null : frozen.hold();
    }

    /** Makes one holder more; each closes once. */
    public PackedWeights hold() {
        holders.incrementAndGet();
        return this;
    }

    /** The model over these weights; its products are without gradients. */
    public Transformer over(Transformer model) {
        LinearMap shared = frozen == null ? null : frozen::linear;
        return model.with(new LinearMap() {
            @Override
            public Tensor apply(Tensor x, Tensor weight, @Nullable Tensor bias) {
                return linear(x, weight, bias);
            }

            @Override
            public @Nullable PackedMatrix packed(Tensor weight) {
                return matrix(weight).orElse(null);
            }

            @Override
            public LinearMap ofFrozen() {
                return shared == null ? this : shared;
            }
        });
    }

    /**
     * {@code x weight^T + bias}, {@code [rows, out]}; without gradients.
     *
     * @param x {@code [rows, in]}
     * @param weight {@code [out, in]}, which lives as long as these weights
     * @param bias {@code [out]}, or null
     */
    public Tensor linear(Tensor x, Tensor weight, @Nullable Tensor bias) {
        Optional<PackedMatrix> matrix = matrix(weight);
        return matrix.isPresent() ? matrix.get().linear(x, bias) : LinearMap.PLAIN.apply(x, weight, bias);
    }

    private Optional<PackedMatrix> matrix(Tensor weight) {
        return packed.computeIfAbsent(weight.address(), address -> Optional.ofNullable(steps.pack(weight, rows)));
    }

    /** Makes one holder fewer; the last one frees the memory. */
    @Override
    public void close() {
        if (holders.decrementAndGet() > 0) {
            return;
        }
        if (frozen != null) {
            frozen.close();
        }
        packed.values().forEach(matrix -> matrix.ifPresent(PackedMatrix::close));
        packed.clear();
    }
}

package org.minpro.model;

import org.jspecify.annotations.Nullable;
import org.minpro.tensor.PackedWeight;
import org.minpro.tensor.Tensor;

/** A weight that oneDNN packed. */
public final class OneDnnMatrix implements PackedMatrix {
    private final PackedWeight weight;

    private OneDnnMatrix(PackedWeight weight) {
        this.weight = weight;
    }

    /** As {@link ModelSteps#pack}. */
    public static @Nullable PackedMatrix of(Tensor weight, int rows) {
        return PackedWeight.canPack(weight) ? new OneDnnMatrix(PackedWeight.of(weight, rows)) : null;
    }

    @Override
    public Tensor linear(Tensor x, @Nullable Tensor bias) {
        return weight.linear(x, bias);
    }

    @Override
    public void close() {
        weight.close();
    }
}

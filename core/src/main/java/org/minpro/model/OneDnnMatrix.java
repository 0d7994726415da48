package org.minpro.model;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.DType;
import org.minpro.tensor.PackedWeight;
import org.minpro.tensor.Scope;
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

    /**
     * A bfloat16 row by itself is multiplied twice: on a processor with AMX oneDNN gives a single row to another kernel than
     * two or more (its slow reference, where the inputs do not fill the tiles), and that one adds in another order.
     */
    @Override
    public Tensor linear(Tensor x, @Nullable Tensor bias) {
        if (x.size(0) != 1 || x.type() != DType.BF16) {
            return weight.linear(x, bias);
        }
        try (Scope scope = Scope.open()) {
            Tensor twice = weight.linear(Tensor.concatenate(List.of(x, x), 0), bias);
            return scope.keep(twice.narrow(0, 0, 1));
        }
    }

    @Override
    public void close() {
        weight.close();
    }
}

package org.minpro.model;

import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * Sums of gradients by the names of {@link Parameters#stored}, float32 (float64 for a float64 model), whatever type the
 * gradients are computed in.
 */
public final class WeightGradients {
    private final DType type;
    private final SequencedMap<String, Tensor> sums = new LinkedHashMap<>();

    public WeightGradients(DType type) {
        this.type = type;
    }

    public DType type() {
        return type;
    }

    /** The sums so far; each is {@linkplain Tensor#retain retained}, and closing it is the caller's. */
    public SequencedMap<String, Tensor> sums() {
        return sums;
    }

    /** Adds a gradient; the first of a name becomes its sum. */
    void add(String name, Tensor gradient) {
        Tensor sum = sums.get(name);
        if (sum == null) {
            sums.put(name, gradient.to(type).retain());
        } else {
            sum.addInPlace(gradient);
        }
    }

    /** The sum of a parameter that is added to in place, zero at first. */
    public Tensor sum(String name, long... shape) {
        Tensor sum = sums.get(name);
        if (sum == null) {
            try (Scope scope = Scope.open()) {
                sum = Tensor.zeros(type, shape).retain();
            }
            sums.put(name, sum);
        }
        return sum;
    }
}

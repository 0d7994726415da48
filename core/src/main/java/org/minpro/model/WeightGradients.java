package org.minpro.model;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * Sums of gradients by the names of {@link Parameters#trainable}, float32 (float64 for a float64 model), whatever type the
 * gradients are computed in, on the device of the parameters.
 *
 * <p>Memory for all of them is taken at once, before a block's activations are: taken one by one between them, they leave
 * holes that nothing else fits into.
 */
public final class WeightGradients implements AutoCloseable {
    private final DType type;
    private final SequencedMap<String, Tensor> reserved = new LinkedHashMap<>();
    private final SequencedMap<String, Tensor> sums = new LinkedHashMap<>();

    /** @param parameters whose gradients are added up, of those that are trained */
    public WeightGradients(DType type, Parameters parameters) {
        this.type = type;
        try (Scope scope = Scope.open()) {
            parameters
                    .trainable()
                    .forEach((name, parameter) -> reserved.put(
                            name,
                            Tensor.empty(parameter.device(), type, parameter.shape())
                                    .retain()));
        }
    }

    public DType type() {
        return type;
    }

    /** Hands over the sums of the parameters that had a gradient; closing them is the caller's from now on. */
    public SequencedMap<String, Tensor> takeSums() {
        SequencedMap<String, Tensor> taken = new LinkedHashMap<>(sums);
        sums.clear();
        return taken;
    }

    /**
     * The same of some parameters, to which nothing is added any more; what is reserved for the rest of them is freed.
     *
     * @return in the order of the names
     */
    public SequencedMap<String, Tensor> takeSums(Collection<String> names) {
        SequencedMap<String, Tensor> taken = new LinkedHashMap<>();
        for (String name : names) {
            Tensor sum = sums.remove(name);
            if (sum != null) {
                taken.put(name, sum);
            }
            Tensor unused = reserved.remove(name);
            if (unused != null) {
                unused.close();
            }
        }
        return taken;
    }

    /** Adds a gradient; the first of a name becomes its sum. */
    void add(String name, Tensor gradient) {
        Tensor sum = sums.get(name);
        if (sum == null) {
            begin(name).copyInPlace(gradient);
        } else {
            sum.addInPlace(gradient);
        }
    }

    /** The sum of a parameter that is added to in place, zero at first. */
    public Tensor sum(String name) {
        Tensor sum = sums.get(name);
        return sum == null ? begin(name).zeroInPlace() : sum;
    }

    private Tensor begin(String name) {
        Tensor sum = reserved.remove(name);
        if (sum == null) {
            throw new IllegalArgumentException("parameter must be one that is trained, got: " + name);
        }
        sums.put(name, sum);
        return sum;
    }

    /** Frees what was not handed over. */
    @Override
    public void close() {
        reserved.values().forEach(Tensor::close);
        sums.values().forEach(Tensor::close);
        reserved.clear();
        sums.clear();
    }
}

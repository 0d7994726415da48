package org.minpro.train;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.function.Function;
import org.minpro.dist.Collectives;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * The optimizer's tensors in the shapes of the parameters, whichever processes keep them: what a checkpoint stores does not depend on
 * how many there are.
 */
public final class OptimizerState implements AutoCloseable {
    private static final String WHAT = "the optimizer's state";

    private final SequencedMap<String, Tensor> tensors;
    private final boolean owned;

    /** @param owned whether closing this frees them */
    OptimizerState(SequencedMap<String, Tensor> tensors, boolean owned) {
        this.tensors = tensors;
        this.owned = owned;
    }

    /** By name; none in a process that is not the first. */
    public SequencedMap<String, Tensor> tensors() {
        return tensors;
    }

    /** The parameter of a tensor's name, which has one word and a dot before it. */
    private static String parameter(String name) {
        return name.substring(name.indexOf('.') + 1);
    }

    /** Brings the slices of all ranks to the first one. */
    static OptimizerState gathered(
            Map<String, Tensor> parameters, SequencedMap<String, Tensor> slices, Ownership ownership) {
        Collectives ranks = ownership.ranks();
        SequencedMap<String, Tensor> whole = new LinkedHashMap<>();
        slices.forEach((name, slice) -> {
            try (Scope scope = Scope.open()) {
                Tensor parameter = Objects.requireNonNull(parameters.get(parameter(name)));
                Tensor target = ranks.isFirst() ? parameter.emptyLike() : Tensor.empty(slice.device(), slice.type(), 0);
                long[] giving = new long[ranks.size()];
                giving[0] = slice.elements();
                long[] taking = new long[ranks.size()];
                for (int rank = 0; rank < taking.length && ranks.isFirst(); rank++) {
                    // The slices of the ranks follow each other in the parameter.
                    taking[rank] = ownership.of(parameter(name), rank).length();
                }
                ranks.exchange(WHAT, slice, giving, target, taking);
                if (ranks.isFirst()) {
                    whole.put(name, target.retain());
                }
            }
        });
        return new OptimizerState(whole, true);
    }

    /** Reads on the first rank and gives each its slices. */
    static void restore(
            Map<String, Tensor> parameters,
            SequencedMap<String, Tensor> slices,
            Ownership ownership,
            Function<String, Tensor> stored) {
        Collectives ranks = ownership.ranks();
        slices.forEach((name, slice) -> {
            try (Scope scope = Scope.open()) {
                if (ranks.isAlone()) {
                    slice.copyInPlace(stored.apply(name));
                    return;
                }
                Tensor parameter = Objects.requireNonNull(parameters.get(parameter(name)));
                Tensor whole = parameter.emptyLike();
                if (ranks.isFirst()) {
                    whole.copyInPlace(stored.apply(name));
                }
                ranks.broadcast(WHAT, whole, 0);
                Ownership.Slice mine = ownership.mine(parameter(name));
                slice.copyInPlace(Ownership.part(whole, mine.start(), mine.length()));
            }
        });
    }

    @Override
    public void close() {
        if (owned) {
            tensors.values().forEach(Tensor::close);
        }
    }
}

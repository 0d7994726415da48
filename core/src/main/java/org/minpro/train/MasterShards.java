package org.minpro.train;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Objects;
import java.util.SequencedMap;
import org.minpro.dist.Collectives;
import org.minpro.model.Parameters;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * Float32 master weights of the elements that this rank owns, in place of all of them (ZeRO stage 1): {@code 4 P / N} bytes of P
 * trained parameters on N ranks. The others hear of a step in the type that is computed with.
 */
final class MasterShards implements AutoCloseable {
    /** What the ranks do after a step, for the message where one does not come. */
    static final String WHAT = "the weights after an update";

    private final Ownership ownership;
    private final SequencedMap<String, Tensor> slices = new LinkedHashMap<>();

    /** @param master of which slices are copied */
    MasterShards(Parameters master, Ownership ownership) {
        this.ownership = ownership;
        try (Scope scope = Scope.open()) {
            master.trainable().forEach((name, whole) -> {
                Ownership.Slice mine = ownership.mine(name);
                slices.put(
                        name,
                        Ownership.part(whole, mine.start(), mine.length())
                                .copy()
                                .retain());
            });
        }
    }

    Collectives ranks() {
        return ownership.ranks();
    }

    /** By the names of {@link Parameters#trainable}, {@code [elements]}; empty ones where this rank owns nothing. */
    SequencedMap<String, Tensor> slices() {
        return slices;
    }

    /**
     * Overwrites whole weights of another type: with this rank's slices here, with the others' as they come from them.
     *
     * @param names of the parameters that have changed, the same on all ranks
     */
    void carryInto(Parameters computing, Collection<String> names) {
        SequencedMap<String, Tensor> changed = new LinkedHashMap<>(computing.trainable());
        changed.keySet().retainAll(names);
        try (Scope scope = Scope.open()) {
            changed.forEach((name, whole) -> {
                Ownership.Slice mine = ownership.mine(name);
                Ownership.part(whole, mine.start(), mine.length())
                        .copyInPlace(Objects.requireNonNull(slices.get(name)));
            });
        }
        ownership.spread(WHAT, changed);
    }

    @Override
    public void close() {
        slices.values().forEach(Tensor::close);
    }
}

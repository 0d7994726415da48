package org.minpro.model;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a policy after a number of updates. They do not change as long as anybody holds the version.
 *
 * <p>Who reads weights holds a version: the one who made it does, {@link #hold} makes one holder more, {@link #close} one
 * fewer. The last holder's close frees what belongs to the version: the packed copies, and its hold on the
 * weights ({@link Parameters#hold}). The learner steps weights where they are once no version holds them, and works on
 * with a copy where one does; so a run in which sampling and learning take turns copies nothing.
 */
public final class PolicyVersion implements AutoCloseable {
    /** Rows of a product that weights are packed for where one copy serves decoding and training. */
    private static final int PACKED_FOR = 64;

    private final long number;
    private final Transformer model;
    private final Map<Integer, PackedWeights> packed = new HashMap<>();
    private int holders = 1;

    /**
     * A version with one holder, the caller.
     *
     * @param number of updates in the weights
     * @param model the module over these weights; its tables outlive every version of it
     */
    public PolicyVersion(long number, Transformer model) {
        this.number = number;
        this.model = model;
        model.parameters().hold();
    }

    /**
     * A version with one holder, the caller, whose packed weights that are not trained are shared with others.
     *
     * @param frozen the latter, from {@link #frozen}; null where the version packs all of its weights itself
     */
    public PolicyVersion(long number, Transformer model, @Nullable PackedWeights frozen) {
        this(number, model);
        if (frozen != null) {
            packed.put(PACKED_FOR, new PackedWeights(model.steps(), PACKED_FOR, frozen));
        }
    }

    /**
     * Packed weights that are not trained, for all versions that share them; closed by the caller once it makes no version any
     * more.
     *
     * @return null where training multiplies by no packed weights, so that those are in memory only while responses are sampled
     */
    public static @Nullable PackedWeights frozen(ModelSteps steps) {
        return steps.trainsPacked() ? new PackedWeights(steps, PACKED_FOR) : null;
    }

    /** How many updates are in the weights. */
    public long number() {
        return number;
    }

    /**
     * The module, for scoring and training: over the packed weights that it decodes with where its steps train so, else
     * over the weights as they are.
     */
    public synchronized Transformer model() {
        requireHeld();
        return model.steps().trainsPacked() ? packed(PACKED_FOR).over(model) : model;
    }

    /**
     * The module over weights packed for decoding, each when it is first needed; without gradients. All who ask for the same
     * rows share one packed copy, which lives as long as the version.
     *
     * @param rows that are decoded at once
     */
    public synchronized Transformer decoder(int rows) {
        requireHeld();
        return packed(model.steps().trainsPacked() ? PACKED_FOR : rows).over(model);
    }

    private PackedWeights packed(int rows) {
        return packed.computeIfAbsent(rows, key -> new PackedWeights(model.steps(), key));
    }

    /** Makes one holder more. */
    public synchronized PolicyVersion hold() {
        requireHeld();
        holders++;
        return this;
    }

    /** Makes one holder fewer; the last one frees what belongs to the version. */
    @Override
    public synchronized void close() {
        requireHeld();
        if (--holders == 0) {
            packed.values().forEach(PackedWeights::close);
            packed.clear();
            model.parameters().close();
        }
    }

    private void requireHeld() {
        if (holders == 0) {
            throw new IllegalStateException("a policy version must be held by who uses it, got: version " + number
                    + ", which its last holder has closed");
        }
    }

    @Override
    public String toString() {
        return "version " + number;
    }
}

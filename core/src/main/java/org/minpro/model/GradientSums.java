package org.minpro.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.concurrent.CancellationException;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.DType;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * Sums of the gradients of several blocks by the names of {@link Parameters#trainable}, float32 (float64 for a float64 model),
 * whatever type the gradients are computed in, on the device of the parameters.
 *
 * <p>Blocks may be computed at the same time, each by its own thread through its {@link #ofBlock view}. The sums have the bits
 * that they have where one thread computes the blocks one after the other: a block's backward pass is cut into stages (the
 * head, the last norm, each layer, the embedding), and a block adds in a stage once all blocks before it have left that stage.
 * All of them go the same way, so blocks that are computed at the same time follow each other at a distance of one stage. The
 * head is the longest stage: what it adds is a serial part of all blocks.
 *
 * <p>A tied embedding has gradients at both ends of the pass. What comes at its end has a sum of its own, in the order of the
 * blocks, which is added to that of the heads when all blocks have ended.
 *
 * <p>Where a block fails, those after it end with a {@link CancellationException} at their next addition.
 *
 * <p>Memory for all sums is taken at once, before a block's activations are: taken one by one between them, they leave
 * holes that nothing else fits into.
 */
public final class GradientSums implements AutoCloseable {
    /** Of a block that has added all. */
    private static final int ENDED = Integer.MAX_VALUE;

    private final DType type;
    private final SequencedMap<String, Tensor> reserved = new LinkedHashMap<>();
    private final SequencedMap<String, Tensor> sums = new LinkedHashMap<>();

    /** The stage that each block has come to. */
    private final int[] stages;

    /** What is added when all blocks have ended. */
    private final LaterRows later = new LaterRows();

    private boolean failed;

    /**
     * @param parameters whose gradients are added up, of those that are trained
     * @param blocks that are added, in their order
     */
    public GradientSums(DType type, Parameters parameters, int blocks) {
        this.type = type;
        stages = new int[blocks];
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

    /** What a block adds to; closed when the block adds no more, or fails. Blocks must begin in their order. */
    public WeightGradients ofBlock(int block) {
        return new WeightGradients(this, block);
    }

    /** Hands over the sums of the parameters that had a gradient; closing them is the caller's from now on. */
    public synchronized SequencedMap<String, Tensor> takeSums() {
        requireEnded();
        SequencedMap<String, Tensor> taken = new LinkedHashMap<>(sums);
        sums.clear();
        return taken;
    }

    /**
     * The same of some parameters, to which nothing is added any more; what is reserved for the rest of them is freed.
     *
     * @return in the order of the names
     */
    public synchronized SequencedMap<String, Tensor> takeSums(Collection<String> names) {
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

    /** Adds what waits for the end of all blocks; to be called once they have ended, before the sums are taken. */
    public synchronized void end() {
        requireEnded();
        later.addTo();
    }

    /** Gradients of some rows of one parameter. */
    private final class LaterRows {
        /** Those that are not in the sum yet: few of them take less memory than a sum. */
        private final List<Rows> waiting = new ArrayList<>();

        private long elements;
        private @Nullable String name;
        /** Of the parameter's shape; null as long as all wait. */
        private @Nullable Tensor sum;

        /**
         * @param ids of the rows, {@code [count]}
         * @param rows {@code [count, width]}
         */
        private record Rows(Tensor ids, Tensor rows) {
            void close() {
                ids.close();
                rows.close();
            }
        }

        void add(String of, Tensor ids, Tensor rows) {
            name = of;
            waiting.add(new Rows(ids.retain(), rows.retain()));
            elements += rows.elements();
            if (elements >= GradientSums.this.sum(of).elements()) {
                intoSum(of);
            }
        }

        private Tensor intoSum(String of) {
            try (Scope scope = Scope.open();
                    NoGradient off = NoGradient.open()) {
                if (sum == null) {
                    sum = GradientSums.this.sum(of).zerosLike().retain();
                }
                for (Rows each : waiting) {
                    sum.indexAddInPlace(0, each.ids, each.rows.to(type));
                    each.close();
                }
            }
            waiting.clear();
            elements = 0;
            return sum;
        }

        void addTo() {
            if (name != null) {
                try (Scope scope = Scope.open();
                        NoGradient off = NoGradient.open()) {
                    GradientSums.this.sum(name).addInPlace(intoSum(name));
                }
                close();
            }
        }

        void close() {
            waiting.forEach(Rows::close);
            waiting.clear();
            if (sum != null) {
                sum.close();
                sum = null;
            }
            name = null;
        }
    }

    private void requireEnded() {
        for (int block = 0; block < stages.length; block++) {
            if (stages[block] < ENDED) {
                throw new IllegalStateException("sums must be taken when all blocks have ended, got: block " + block
                        + " of " + stages.length + " in stage " + stages[block]);
            }
        }
    }

    /**
     * Waits until all blocks before this one have left a stage.
     *
     * @throws CancellationException if one of them has failed
     */
    synchronized void awaitTurn(int block, int stage) {
        while (!failed && Arrays.stream(stages, 0, block).anyMatch(earlier -> earlier <= stage)) {
            try {
                wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while gradients were added up", e);
            }
        }
        if (failed) {
            throw new CancellationException("another block has failed");
        }
    }

    synchronized void reached(int block, int stage) {
        stages[block] = stage;
        notifyAll();
    }

    void ended(int block) {
        reached(block, ENDED);
    }

    /** A block adds no more, though it has not added all. */
    synchronized void failed() {
        failed = true;
        notifyAll();
    }

    /**
     * Adds a gradient; the first of a name becomes its sum.
     *
     * @param adding the second to the first
     */
    void add(String name, Tensor gradient, BiConsumer<Tensor, Tensor> adding) {
        Tensor sum = present(name);
        if (sum == null) {
            begin(name).copyInPlace(gradient);
        } else {
            adding.accept(sum, gradient);
        }
    }

    /** The sum of a parameter that is added to in place, zero at first. */
    Tensor sum(String name) {
        Tensor sum = present(name);
        return sum == null ? begin(name).zeroInPlace() : sum;
    }

    synchronized void addAtTheEnd(String name, Tensor ids, Tensor rows) {
        later.add(name, ids, rows);
    }

    private synchronized @Nullable Tensor present(String name) {
        return sums.get(name);
    }

    private synchronized Tensor begin(String name) {
        Tensor sum = reserved.remove(name);
        if (sum == null) {
            throw new IllegalArgumentException("parameter must be one that is trained, got: " + name);
        }
        sums.put(name, sum);
        return sum;
    }

    /** Frees what was not handed over. */
    @Override
    public synchronized void close() {
        reserved.values().forEach(Tensor::close);
        sums.values().forEach(Tensor::close);
        later.close();
        reserved.clear();
        sums.clear();
    }
}

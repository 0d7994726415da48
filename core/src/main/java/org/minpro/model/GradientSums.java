package org.minpro.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
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
 * head, the last norm, each layer), and a block adds in a stage once all blocks before it have left that stage. All of them
 * begin at the head and go the same way, so they rarely wait for each other.
 *
 * <p>A tied embedding has gradients at both ends of the pass. What comes at its end is added after all blocks' heads, in the
 * order of the blocks.
 *
 * <p>Memory for all sums is taken at once, before a block's activations are: taken one by one between them, they leave
 * holes that nothing else fits into.
 */
public final class GradientSums implements AutoCloseable {
    /** Of a block that adds no more. */
    private static final int ENDED = Integer.MAX_VALUE;

    private final DType type;
    private final SequencedMap<String, Tensor> reserved = new LinkedHashMap<>();
    private final SequencedMap<String, Tensor> sums = new LinkedHashMap<>();

    /** The stage that each block has come to. */
    private final int[] stages;

    /** What each block adds when all have ended. */
    private final List<List<Rows>> atTheEnd = new ArrayList<>();

    /**
     * Gradients of some rows of a parameter, kept until all blocks have ended.
     *
     * @param ids of the rows, {@code [count]}
     * @param rows {@code [count, width]}
     */
    private record Rows(String name, Tensor ids, Tensor rows) {
        void close() {
            ids.close();
            rows.close();
        }
    }

    /**
     * @param parameters whose gradients are added up, of those that are trained
     * @param blocks that are added, in their order
     */
    public GradientSums(DType type, Parameters parameters, int blocks) {
        this.type = type;
        stages = new int[blocks];
        for (int block = 0; block < blocks; block++) {
            atTheEnd.add(new ArrayList<>());
        }
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

    /** What a block adds to; closed when the block adds no more. Blocks must begin in their order. */
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
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            for (List<Rows> ofBlock : atTheEnd) {
                for (Rows each : ofBlock) {
                    sum(each.name).indexAddInPlace(0, each.ids, each.rows.to(type));
                    each.close();
                }
                ofBlock.clear();
            }
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

    /** Waits until all blocks before this one have left a stage. */
    synchronized void awaitTurn(int block, int stage) {
        while (Arrays.stream(stages, 0, block).anyMatch(earlier -> earlier <= stage)) {
            try {
                wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while gradients were added up", e);
            }
        }
    }

    synchronized void reached(int block, int stage) {
        stages[block] = stage;
        notifyAll();
    }

    void ended(int block) {
        reached(block, ENDED);
    }

    /** Adds a gradient; the first of a name becomes its sum. */
    void add(String name, Tensor gradient) {
        Tensor sum = present(name);
        if (sum == null) {
            begin(name).copyInPlace(gradient);
        } else {
            sum.addInPlace(gradient);
        }
    }

    /** The sum of a parameter that is added to in place, zero at first. */
    Tensor sum(String name) {
        Tensor sum = present(name);
        return sum == null ? begin(name).zeroInPlace() : sum;
    }

    synchronized void addAtTheEnd(int block, String name, Tensor ids, Tensor rows) {
        atTheEnd.get(block).add(new Rows(name, ids.retain(), rows.retain()));
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
        atTheEnd.forEach(ofBlock -> {
            ofBlock.forEach(Rows::close);
            ofBlock.clear();
        });
        reserved.clear();
        sums.clear();
    }
}

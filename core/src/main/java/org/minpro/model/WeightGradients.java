package org.minpro.model;

import java.util.function.BiConsumer;
import org.minpro.tensor.DType;
import org.minpro.tensor.Tensor;

/**
 * What one block adds to the {@linkplain GradientSums sums of gradients} of its parameters, in the order of the blocks; used by
 * the thread that computes the block.
 */
public final class WeightGradients implements AutoCloseable {
    private final GradientSums sums;
    private final int block;
    private int stage;
    private boolean whole;

    WeightGradients(GradientSums sums, int block) {
        this.sums = sums;
        this.block = block;
    }

    /** Of the sums. */
    public DType type() {
        return sums.type();
    }

    /** Adds a gradient; the first of a name becomes its sum. */
    void add(String name, Tensor gradient) {
        add(name, gradient, Tensor::addInPlace);
    }

    /**
     * Adds a gradient; the first of a name becomes its sum.
     *
     * @param adding the second to the first
     */
    void add(String name, Tensor gradient, BiConsumer<Tensor, Tensor> adding) {
        sums.awaitTurn(block, stage);
        sums.add(name, gradient, adding);
    }

    /** The sum of a parameter that is added to in place, zero at first; to be left alone once the stage has passed. */
    public Tensor sum(String name) {
        sums.awaitTurn(block, stage);
        return sums.sum(name);
    }

    /**
     * Adds gradients of some rows of a parameter when all blocks have ended; of one parameter alone.
     *
     * @param ids of the rows, {@code [count]}
     * @param rows {@code [count, width]}
     */
    void addAtTheEnd(String name, Tensor ids, Tensor rows) {
        sums.awaitTurn(block, stage);
        sums.addAtTheEnd(name, ids, rows);
    }

    /** The block adds nothing more in the stage of its backward pass that it is in, and comes to the next one. */
    void passStage() {
        sums.reached(block, ++stage);
    }

    /** Waits until all blocks before this one have left the stage that this one has left last. */
    public void awaitEarlierBlocks() {
        sums.awaitTurn(block, stage - 1);
    }

    /** The block has added all, and adds nothing more. */
    public void end() {
        whole = true;
        sums.ended(block);
    }

    /** Says that the block has failed unless it has {@linkplain #end ended}. */
    @Override
    public void close() {
        if (!whole) {
            sums.failed();
        }
    }
}

package org.minpro.train;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.minpro.dist.Collectives;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;

/** The Euclidean norm {@code sqrt(sum x^2)} over all elements of some tensors. */
final class EuclideanNorm {
    /** Elements that are squared at once; a piece has one owner. */
    private static final long PIECE = Ownership.UNIT;

    private EuclideanNorm() {}

    /** Squares of a piece are added in float64, pieces in order: the bits do not depend on the workers. */
    static double of(Map<String, Tensor> tensors, Workers workers) {
        List<Callable<Double>> pieces = new ArrayList<>();
        tensors.values().forEach(tensor -> pieces(tensor, 0, tensor.elements(), pieces));
        return root(workers.run(pieces));
    }

    /**
     * The same of tensors of which each rank has its own slices: the others' pieces come from their owners.
     *
     * @param tensors whole ones, the same names in the same order on every rank
     */
    static double of(Map<String, Tensor> tensors, Workers workers, Ownership ownership) {
        Collectives ranks = ownership.ranks();
        if (ranks.isAlone()) {
            return of(tensors, workers);
        }
        List<Callable<Double>> mine = new ArrayList<>();
        tensors.forEach((name, tensor) -> {
            Ownership.Slice slice = ownership.mine(name);
            pieces(tensor, slice.start(), slice.length(), mine);
        });
        List<Double> squares = workers.run(mine);
        ByteBuffer given = ByteBuffer.allocate(Double.BYTES * squares.size());
        squares.forEach(given::putDouble);
        ByteBuffer[] ofRanks = Arrays.stream(ranks.gather("the norm of the gradients", given.array()))
                .map(ByteBuffer::wrap)
                .toArray(ByteBuffer[]::new);
        List<Double> all = new ArrayList<>();
        tensors.forEach((name, tensor) -> {
            for (long start = 0; start < tensor.elements(); start += PIECE) {
                all.add(ofRanks[ownership.owner(name, start)].getDouble());
            }
        });
        return root(all);
    }

    private static void pieces(Tensor tensor, long from, long length, List<Callable<Double>> pieces) {
        for (long start = from; start < from + length; start += PIECE) {
            long first = start;
            long elements = Math.min(PIECE, from + length - start);
            pieces.add(() -> {
                try (Scope scope = Scope.open();
                        NoGradient off = NoGradient.open()) {
                    return Ownership.part(tensor, first, elements)
                            .square()
                            .sumAsF64()
                            .item();
                }
            });
        }
    }

    private static double root(List<Double> squares) {
        double sum = 0;
        for (double ofPiece : squares) {
            sum += ofPiece;
        }
        return Math.sqrt(sum);
    }
}

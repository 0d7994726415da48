package org.minpro.train;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.minpro.dist.Collectives;
import org.minpro.model.Kernels;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;

/** The Euclidean norm {@code sqrt(sum x^2)} over all elements of some tensors. */
final class EuclideanNorm {
    /** Elements that are squared at once; a piece has one owner. */
    private static final long PIECE = Ownership.UNIT;

    private EuclideanNorm() {}

    /** Some elements of a tensor, in row-major order. */
    private record Piece(Tensor tensor, long start, long length) {
        /** {@code sum x^2} over them in float64, one number on their device; to be read in a scope of the caller. */
        Tensor square() {
            try (Scope scope = Scope.open();
                    NoGradient off = NoGradient.open()) {
                return scope.keep(Ownership.part(tensor, start, length).square().sumAsF64());
            }
        }
    }

    /** Squares of a piece are added in float64, pieces in order: the bits do not depend on the workers. */
    static double of(Map<String, Tensor> tensors, Workers workers) {
        return of(tensors, workers, together(tensors));
    }

    /** @param together whether all squares are read at once, as a GPU wants, which is waited for at each reading */
    static double of(Map<String, Tensor> tensors, Workers workers, boolean together) {
        List<Piece> pieces = new ArrayList<>();
        tensors.values().forEach(tensor -> pieces(tensor, 0, tensor.elements(), pieces));
        return root(squares(pieces, workers, together));
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
        List<Piece> mine = new ArrayList<>();
        tensors.forEach((name, tensor) -> {
            Ownership.Slice slice = ownership.mine(name);
            pieces(tensor, slice.start(), slice.length(), mine);
        });
        List<Double> squares = squares(mine, workers, together(tensors));
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

    private static void pieces(Tensor tensor, long from, long length, List<Piece> pieces) {
        for (long start = from; start < from + length; start += PIECE) {
            pieces.add(new Piece(tensor, start, Math.min(PIECE, from + length - start)));
        }
    }

    private static boolean together(Map<String, Tensor> tensors) {
        return tensors.values().stream().anyMatch(tensor -> Kernels.together(tensor.device()));
    }

    private static List<Double> squares(List<Piece> pieces, Workers workers, boolean together) {
        if (!together) {
            return workers.run(pieces.stream()
                    .<Callable<Double>>map(piece -> () -> {
                        try (Scope scope = Scope.open()) {
                            return piece.square().item();
                        }
                    })
                    .toList());
        }
        if (pieces.isEmpty()) {
            return List.of();
        }
        try (Scope scope = Scope.open()) {
            List<Tensor> sums =
                    pieces.stream().map(piece -> piece.square().view(1)).toList();
            return Arrays.stream(Tensor.concatenate(sums, 0).doubles()).boxed().toList();
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

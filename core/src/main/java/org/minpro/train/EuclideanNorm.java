package org.minpro.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;

/** The Euclidean norm {@code sqrt(sum x^2)} over all elements of some tensors. */
final class EuclideanNorm {
    /** Elements that are squared at once. */
    private static final long PIECE = 1 << 20;

    private EuclideanNorm() {}

    /** Squares of a piece are added in float64, pieces in order: the bits do not depend on the workers. */
    static double of(Map<String, Tensor> tensors, Workers workers) {
        List<Callable<Double>> pieces = new ArrayList<>();
        for (Tensor tensor : tensors.values()) {
            for (long start = 0; start < tensor.elements(); start += PIECE) {
                long first = start;
                pieces.add(() -> {
                    try (Scope scope = Scope.open();
                            NoGradient off = NoGradient.open()) {
                        return tensor.view(tensor.elements())
                                .narrow(0, first, Math.min(PIECE, tensor.elements() - first))
                                .square()
                                .sumAsF64()
                                .item();
                    }
                });
            }
        }
        double squares = 0;
        for (double ofPiece : workers.run(pieces)) {
            squares += ofPiece;
        }
        return Math.sqrt(squares);
    }
}

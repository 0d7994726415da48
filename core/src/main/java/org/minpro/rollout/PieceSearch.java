package org.minpro.rollout;

import java.util.List;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Tensor;

/**
 * Where uniform numbers fall in the cumulative sums of rows of probabilities, found on the device that has them: first the
 * piece of the row, then the entry of the piece, with sums in float64.
 *
 * @param index the first entry whose cumulative sum exceeds the row's number times the row's sum, {@code [rows, 1]}; one with a
 *     positive probability
 * @param mass the row's sum, {@code [rows]} float64
 */
record PieceSearch(Tensor index, Tensor mass) {
    /**
     * Searches.
     *
     * @param probabilities {@code [rows, vocabulary]}
     * @param uniforms in [0, 1), one a row
     * @param width of a piece
     */
    static PieceSearch of(Tensor probabilities, double[] uniforms, int width) {
        Device device = probabilities.device();
        long rows = probabilities.size(0);
        long vocabulary = probabilities.size(1);
        long whole = vocabulary / width;
        Tensor sums = probabilities
                .narrow(1, 0, whole * width)
                .reshape(rows, whole, width)
                .sumAsF64(2, false); // [rows, whole]
        if (whole * width < vocabulary) {
            Tensor rest = probabilities.narrow(1, whole * width, vocabulary - whole * width);
            sums = Tensor.concatenate(List.of(sums, rest.sumAsF64(1, true)), 1); // [rows, pieces]
        }
        Tensor cumulative = sums.cumulativeSum(1);
        Tensor mass = cumulative.narrow(1, sums.size(1) - 1, 1); // [rows, 1]
        Tensor target = Tensor.of(device, uniforms, rows, 1).multiply(mass);
        Tensor piece = first(cumulative, target, sums); // [rows, 1]
        Tensor none = Tensor.zeros(device, DType.F64, rows, 1);
        Tensor before = Tensor.concatenate(List.of(none, cumulative), 1).gather(1, piece);
        Tensor start = piece.multiply(Tensor.full(device, DType.I64, width, 1)); // [rows, 1]
        Tensor columns = start.add(Tensor.range(device, 0, width).unsqueeze(0)); // [rows, width]
        Tensor beyond = columns.greaterOrEqual((double) vocabulary);
        Tensor entries = probabilities
                .gather(1, columns.minimum(Tensor.full(device, DType.I64, (double) (vocabulary - 1), 1)))
                .to(DType.F64)
                .maskedFill(beyond, 0); // [rows, width]
        Tensor entry = first(entries.cumulativeSum(1), target.subtract(before), entries);
        return new PieceSearch(start.add(entry), mass.squeeze(1));
    }

    /** The first place whose cumulative sum exceeds the target, else the last one with any mass, {@code [rows, 1]}. */
    private static Tensor first(Tensor cumulative, Tensor target, Tensor values) {
        Tensor notYet = cumulative.lessOrEqual(target).to(DType.I64).sum(1, true);
        Tensor places = Tensor.range(values.device(), 0, values.size(1)).unsqueeze(0);
        Tensor last = values.greater(0).to(DType.I64).multiply(places).max(1, true);
        return notYet.minimum(last);
    }
}

package org.minpro.objective;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import org.minpro.ratio.Ratios;
import org.minpro.tensor.Tensor;

/**
 * Numbers of an update's rows, computed in float64 from the valid tokens of each row in their order: they depend neither on
 * the padding nor on the rows beside them. Nothing here carries a gradient.
 */
final class RowValues {
    private RowValues() {}

    /**
     * A function of the valid tokens of each row, one number for each of them; 0 at masked tokens.
     *
     * @param values constants, {@code [batch, time]}
     */
    static Tensor map(ObjectiveInputs inputs, Tensor values, UnaryOperator<double[]> function) {
        Tensor mask = inputs.mask();
        int time = Math.toIntExact(mask.size(1));
        double[] valid = mask.doubles();
        double[] all = values.doubles();
        double[] result = new double[all.length];
        double[] row = new double[time];
        for (int from = 0; from < all.length; from += time) {
            int count = 0;
            for (int t = 0; t < time; t++) {
                if (valid[from + t] != 0) {
                    row[count++] = all[from + t];
                }
            }
            double[] mapped = function.apply(Arrays.copyOf(row, count));
            int next = 0;
            for (int t = 0; t < time; t++) {
                if (valid[from + t] != 0) {
                    result[from + t] = mapped[next++];
                }
            }
        }
        return constant(inputs, result);
    }

    /** The places of the first valid token of each row that has one, in {@code [batch * time]}. */
    static int[] firsts(ObjectiveInputs inputs) {
        int time = Math.toIntExact(inputs.mask().size(1));
        double[] valid = inputs.mask().doubles();
        int[] firsts = new int[Math.toIntExact(inputs.mask().size(0))];
        int count = 0;
        for (int from = 0; from < valid.length; from += time) {
            int at = from;
            while (at < from + time && valid[at] == 0) {
                at++;
            }
            if (at < from + time) {
                firsts[count++] = at;
            }
        }
        return Arrays.copyOf(firsts, count);
    }

    /** Numbers as a tensor like those of the inputs. */
    static Tensor constant(ObjectiveInputs inputs, double[] values) {
        Tensor like = inputs.mask();
        return Tensor.of(like.device(), values, like.shape()).to(like.type());
    }

    /** The sum of each row, on all its valid tokens. */
    static Tensor sum(ObjectiveInputs inputs, Tensor values) {
        return map(inputs, values, row -> filled(row, total(row)));
    }

    /** The mean of each row, on all its valid tokens. */
    static Tensor mean(ObjectiveInputs inputs, Tensor values) {
        return map(inputs, values, row -> filled(row, total(row) / row.length));
    }

    /** The largest value of each row, on all its valid tokens. */
    static Tensor max(ObjectiveInputs inputs, Tensor values) {
        return map(inputs, values, row -> filled(row, Arrays.stream(row).max().orElse(0)));
    }

    /** A quantile of each row, on all its valid tokens; between two values it is interpolated linearly. */
    static Tensor quantile(ObjectiveInputs inputs, Tensor values, double quantile) {
        return map(inputs, values, row -> filled(row, quantile(row, quantile)));
    }

    /** A quantile of some values, interpolated linearly; 0 of none. */
    static double quantile(double[] values, double quantile) {
        if (values.length == 0) {
            return 0;
        }
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double at = quantile * (sorted.length - 1);
        int below = (int) at;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }

    /** 1, 2, ... over the valid tokens of each row. */
    static Tensor positions(ObjectiveInputs inputs) {
        return map(inputs, inputs.mask(), row -> {
            double[] positions = new double[row.length];
            Arrays.setAll(positions, i -> i + 1);
            return positions;
        });
    }

    /** The product of a row's ratios, on all its valid tokens, from their logarithms; the sum is clamped to [-20, 20]. */
    static Tensor product(ObjectiveInputs inputs, Tensor logRatios) {
        return sum(inputs, logRatios).clamp(-Ratios.LOG_LIMIT, Ratios.LOG_LIMIT).exp();
    }

    /** {@code (d_1 + ... + d_t) / t}, this token included. */
    static Tensor runningMean(ObjectiveInputs inputs, Tensor values) {
        return map(inputs, values, row -> {
            double[] means = new double[row.length];
            double sum = 0;
            for (int i = 0; i < row.length; i++) {
                sum += row[i];
                means[i] = sum / (i + 1);
            }
            return means;
        });
    }

    /** In order, so that the bits are those of a plain sum. */
    private static double total(double[] row) {
        double sum = 0;
        for (double value : row) {
            sum += value;
        }
        return sum;
    }

    private static double[] filled(double[] row, double value) {
        double[] filled = new double[row.length];
        Arrays.fill(filled, value);
        return filled;
    }
}

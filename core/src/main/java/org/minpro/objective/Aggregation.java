package org.minpro.objective;

import java.util.Arrays;
import java.util.Locale;
import org.minpro.config.NearestName;
import org.minpro.tensor.DType;
import org.minpro.tensor.Tensor;

/**
 * How the losses of an update's tokens become one number: {@code loss = sum_{i,t} weight_{i,t} l_{i,t}}.
 *
 * <p>With T_i valid tokens in row i and B' rows that have any, a valid token of row i weighs
 *
 * <ul>
 *   <li>{@code token-mean}: {@code 1 / sum_j T_j};
 *   <li>{@code seq-mean-token-mean}: {@code 1 / (B' T_i)};
 *   <li>{@code seq-mean-token-sum}: {@code 1 / B'};
 *   <li>{@code constant-length}: {@code 1 / (B' length)}.
 * </ul>
 *
 * A row without a valid token counts for nothing. The weights are those of a whole update and are computed before its
 * first micro-batch, so the gradient does not depend on how the update is cut.
 *
 * @param mode the formula
 * @param length the divisor of {@code constant-length}, in tokens; 0 takes the width of the update's rows, that is its
 *     longest row. The other modes have none: it is 0 there.
 */
public record Aggregation(Mode mode, int length) {
    /** The formula of an {@link Aggregation}; names as in verl. */
    public enum Mode {
        TOKEN_MEAN,
        SEQ_MEAN_TOKEN_MEAN,
        SEQ_MEAN_TOKEN_SUM,
        CONSTANT_LENGTH;

        /** The name in a configuration, such as {@code token-mean}. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    public static final Aggregation TOKEN_MEAN = new Aggregation(Mode.TOKEN_MEAN, 0);
    public static final Aggregation SEQ_MEAN_TOKEN_MEAN = new Aggregation(Mode.SEQ_MEAN_TOKEN_MEAN, 0);
    public static final Aggregation SEQ_MEAN_TOKEN_SUM = new Aggregation(Mode.SEQ_MEAN_TOKEN_SUM, 0);

    public Aggregation {
        if (length < 0) {
            throw new IllegalArgumentException("length must be >= 0 (0 is the width of the rows), got: " + length);
        }
        // So that two aggregations that weigh alike are equal.
        length = mode == Mode.CONSTANT_LENGTH ? length : 0;
    }

    /** The mean over tokens, the default of every objective that fixes none. */
    public Aggregation() {
        this(Mode.TOKEN_MEAN, 0);
    }

    /** Divides by {@code length} tokens, or by the width of the rows where it is 0 (Dr. GRPO, arXiv 2503.20783). */
    public static Aggregation constantLength(int length) {
        return new Aggregation(Mode.CONSTANT_LENGTH, length);
    }

    /** The aggregation of that name, such as {@code token-mean}. */
    public static Aggregation of(String name) {
        for (Mode mode : Mode.values()) {
            if (mode.toString().equals(name)) {
                return new Aggregation(mode, 0);
            }
        }
        throw new IllegalArgumentException(NearestName.message(
                "aggregation",
                name,
                Arrays.stream(Mode.values()).map(Mode::toString).toList()));
    }

    /**
     * The weight of a valid token of each row, {@code [batch]}.
     *
     * @param validTokens T_i of every row of the update
     * @param width the width of the update's rows, its longest row
     */
    public double[] rowWeights(int[] validTokens, int width) {
        long tokens = 0;
        long rows = 0;
        for (int valid : validTokens) {
            tokens += valid;
            rows += valid > 0 ? 1 : 0;
        }
        double[] weights = new double[validTokens.length];
        for (int i = 0; i < weights.length; i++) {
            if (validTokens[i] > 0) {
                weights[i] = switch (mode) {
                    case TOKEN_MEAN -> 1.0 / tokens;
                    case SEQ_MEAN_TOKEN_MEAN -> 1.0 / ((double) rows * validTokens[i]);
                    case SEQ_MEAN_TOKEN_SUM -> 1.0 / rows;
                    case CONSTANT_LENGTH -> 1.0 / ((double) rows * (length > 0 ? length : width));
                };
            }
        }
        return weights;
    }

    /**
     * The weights of all tokens of an update, in the shape of its mask, 0 at masked tokens.
     *
     * @param mask true at valid tokens; rows may have different lengths
     */
    public double[][] tokenWeights(boolean[][] mask) {
        int[] validTokens = new int[mask.length];
        int width = 0;
        for (int i = 0; i < mask.length; i++) {
            width = Math.max(width, mask[i].length);
            for (boolean valid : mask[i]) {
                validTokens[i] += valid ? 1 : 0;
            }
        }
        double[] rowWeights = rowWeights(validTokens, width);
        double[][] weights = new double[mask.length][];
        for (int i = 0; i < mask.length; i++) {
            weights[i] = new double[mask[i].length];
            for (int t = 0; t < mask[i].length; t++) {
                weights[i][t] = mask[i][t] ? rowWeights[i] : 0;
            }
        }
        return weights;
    }

    /** The weights of all tokens of an update whose rows are padded to one width, {@code [batch, time]}, in the mask's type. */
    public Tensor tokenWeights(Tensor mask) {
        Tensor valid = mask.notEqual(0).to(DType.F64);
        long[] counts = valid.sum(1, false).longs();
        int[] validTokens = new int[counts.length];
        for (int i = 0; i < counts.length; i++) {
            validTokens[i] = Math.toIntExact(counts[i]);
        }
        Tensor rowWeights =
                Tensor.of(mask.device(), rowWeights(validTokens, Math.toIntExact(mask.size(1))), counts.length, 1);
        return valid.multiply(rowWeights).to(mask.type());
    }

    @Override
    public String toString() {
        return mode == Mode.CONSTANT_LENGTH && length > 0 ? mode + " " + length : mode.toString();
    }
}

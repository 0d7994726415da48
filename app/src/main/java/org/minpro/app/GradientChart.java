package org.minpro.app;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.minpro.objective.Anchor;
import org.minpro.objective.Objective;
import org.minpro.objective.ObjectiveExample;

/**
 * The gradient coefficient of an objective over the ratio of a token that is alone in its response, drawn in characters: what
 * multiplies {@code grad log pi} at advantage 1 and -1.
 *
 * <p>The token has probability 0.2 under every policy but the current one. The ratio's axis is logarithmic.
 */
final class GradientChart {
    private static final int COLUMNS = 49;
    private static final int ROWS = 9;
    /** The ratio goes from 2^-2 to 2^2. */
    private static final double OCTAVES = 2;

    private static final double PROBABILITY = 0.2;

    private GradientChart() {}

    /** The lines of both charts. */
    static List<String> of(Objective objective) {
        List<String> lines = new ArrayList<>();
        for (int advantage : new int[] {1, -1}) {
            double[] coefficients = new double[COLUMNS];
            for (int i = 0; i < COLUMNS; i++) {
                coefficients[i] = coefficient(objective, ratio(i), advantage);
            }
            lines.add("gradient coefficient over the token's ratio, A = " + advantage + ":");
            lines.addAll(drawn(coefficients));
        }
        return lines;
    }

    private static double ratio(int column) {
        return Math.pow(2, OCTAVES * (2.0 * column / (COLUMNS - 1) - 1));
    }

    /** g: minus the derivative of the loss of one token, whose weight in any aggregation but a constant length is 1. */
    static double coefficient(Objective objective, double ratio, double advantage) {
        double behavior = Math.log(PROBABILITY);
        Map<String, double[][]> tokens = new TreeMap<>();
        tokens.put("log_probs", one(behavior + Math.log(ratio)));
        for (String policy : List.of("behavior", "proximal", "reference", "sampling")) {
            tokens.put(policy + "_log_probs", one(behavior));
        }
        tokens.put("advantages", one(advantage));
        tokens.put("entropy", one(1));
        tokens.put("collision", one(1));
        tokens.put("ages", one(1));
        tokens.put("groups", one(0));
        double[][] gradient = new ObjectiveExample(tokens, one(1), null, Anchor.BEHAVIOR)
                .evaluate(objective)
                .gradient();
        // Without a negative zero.
        return 0.0 - gradient[0][0];
    }

    private static double[][] one(double value) {
        return new double[][] {{value}};
    }

    private static List<String> drawn(double[] values) {
        double highest = 0;
        double lowest = 0;
        for (double value : values) {
            highest = Math.max(highest, value);
            lowest = Math.min(lowest, value);
        }
        double span = highest > lowest ? highest - lowest : 1;
        char[][] cells = new char[ROWS][COLUMNS];
        int zero = row(0, highest, span);
        for (int r = 0; r < ROWS; r++) {
            for (int c = 0; c < COLUMNS; c++) {
                cells[r][c] = row(values[c], highest, span) == r ? '*' : r == zero ? '-' : ' ';
            }
        }
        List<String> lines = new ArrayList<>();
        for (int r = 0; r < ROWS; r++) {
            boolean labelled = r == 0 || r == zero || r == ROWS - 1;
            String label = labelled
                    ? String.format(Locale.ROOT, "%8.3g", r == zero ? 0 : highest - span * r / (ROWS - 1))
                    : "";
            lines.add(String.format(Locale.ROOT, "%9s |%s", label, new String(cells[r]))
                    .stripTrailing());
        }
        StringBuilder axis = new StringBuilder(" ".repeat(11 + COLUMNS + 4));
        for (String tick : List.of("0.25", "0.5", "1", "2", "4")) {
            double octave = Math.log(Double.parseDouble(tick)) / Math.log(2);
            int at = 11 + (int) Math.round((octave / OCTAVES + 1) / 2 * (COLUMNS - 1));
            axis.replace(at, at + tick.length(), tick);
        }
        lines.add(axis.toString().stripTrailing());
        return lines;
    }

    private static int row(double value, double highest, double span) {
        return (int) Math.round((highest - value) / span * (ROWS - 1));
    }
}

package org.minpro.advantage;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Advantages of an iteration's tokens brought to mean 0 and variance 1: {@code (x - mean) / sqrt(variance + 1e-8)} over the tokens that
 * the policy wrote, with the unbiased variance (n - 1), as verl's {@code masked_whiten} computes it. Where they are all equal, or
 * one alone, they are 0.
 */
final class Whitening {
    private static final double EPSILON = 1e-8;

    private Whitening() {}

    /** Of all groups together, in place. */
    static List<List<double[]>> whitened(List<List<Response>> groups, List<List<double[]>> values) {
        List<boolean[]> masks = new ArrayList<>();
        groups.forEach(group -> group.forEach(response -> masks.add(response.mask())));
        List<double[]> rows = new ArrayList<>();
        values.forEach(rows::addAll);
        long count = 0;
        double sum = 0;
        double least = Double.POSITIVE_INFINITY;
        double most = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < rows.size(); i++) {
            for (int t = 0; t < rows.get(i).length; t++) {
                if (masks.get(i)[t]) {
                    double value = rows.get(i)[t];
                    count++;
                    sum += value;
                    least = Math.min(least, value);
                    most = Math.max(most, value);
                }
            }
        }
        if (!(most > least)) {
            rows.forEach(row -> Arrays.fill(row, 0));
            return values;
        }
        double mean = sum / count;
        double squares = 0;
        for (int i = 0; i < rows.size(); i++) {
            for (int t = 0; t < rows.get(i).length; t++) {
                double deviation = rows.get(i)[t] - mean;
                squares += masks.get(i)[t] ? deviation * deviation : 0;
            }
        }
        double divisor = Math.sqrt(squares / (count - 1) + EPSILON);
        for (double[] row : rows) {
            for (int t = 0; t < row.length; t++) {
                row[t] = (row[t] - mean) / divisor;
            }
        }
        return values;
    }
}

package org.minpro.ratio;

import java.util.Arrays;
import java.util.Map;

/**
 * A number of every token of an update, by the tenth of its response that the token ends in (the last token is always in the
 * last tenth).
 *
 * <p>Each array has ten numbers, not a number where a tenth has no token.
 */
final class Tenths {
    private static final int COUNT = 10;
    private static final double[] QUANTILES = {0.05, 0.5, 0.95};

    private final double[][] values = new double[COUNT][];

    /**
     * @param tenths of each value, 0 to 9
     * @param numbers as many or more; those beyond are left out
     */
    Tenths(byte[] tenths, double[] numbers) {
        int[] counts = new int[COUNT];
        for (byte tenth : tenths) {
            counts[tenth]++;
        }
        for (int i = 0; i < COUNT; i++) {
            values[i] = new double[counts[i]];
        }
        Arrays.fill(counts, 0);
        for (int at = 0; at < tenths.length; at++) {
            values[tenths[at]][counts[tenths[at]]++] = numbers[at];
        }
    }

    /** The tenth of a position, both from 0, among so many tokens. */
    static byte of(int position, int length) {
        return (byte) ((COUNT * (position + 1) + length - 1) / length - 1);
    }

    double[] means() {
        return Arrays.stream(values)
                .mapToDouble(tenth -> Arrays.stream(tenth).average().orElse(Double.NaN))
                .toArray();
    }

    /** Puts means, extremes and quantiles under names that begin alike. */
    void put(String name, Map<String, double[]> arrays) {
        arrays.put(name + "/mean_by_tenth", means());
        double[] smallest = new double[COUNT];
        double[] largest = new double[COUNT];
        double[][] quantiles = new double[QUANTILES.length][COUNT];
        for (int i = 0; i < COUNT; i++) {
            double[] sorted = values[i].clone();
            Arrays.sort(sorted);
            boolean empty = sorted.length == 0;
            smallest[i] = empty ? Double.NaN : sorted[0];
            largest[i] = empty ? Double.NaN : sorted[sorted.length - 1];
            for (int k = 0; k < QUANTILES.length; k++) {
                quantiles[k][i] = empty ? Double.NaN : Distribution.quantile(sorted, QUANTILES[k]);
            }
        }
        arrays.put(name + "/min_by_tenth", smallest);
        arrays.put(name + "/max_by_tenth", largest);
        for (int k = 0; k < QUANTILES.length; k++) {
            arrays.put(name + "/" + Distribution.name(QUANTILES[k]) + "_by_tenth", quantiles[k]);
        }
    }
}

package org.minpro.chart;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * From values to places, with round ticks.
 *
 * @param low the smallest value shown
 * @param high the largest value shown
 * @param logarithmic whether equal factors are equally far apart
 * @param counted whether the values are whole, so that there is nothing between two of them
 */
record Scale(double low, double high, boolean logarithmic, boolean counted) {
    /** Within so small a factor evenly spaced ticks serve a logarithmic scale too. */
    private static final double FEW = 4;

    /** A scale that has room for the values; of none from 0 to 1. */
    static Scale of(double[] values, boolean logarithmic) {
        double low = Double.POSITIVE_INFINITY;
        double high = Double.NEGATIVE_INFINITY;
        for (double value : values) {
            if (Double.isFinite(value) && (!logarithmic || value > 0)) {
                low = Math.min(low, value);
                high = Math.max(high, value);
            }
        }
        if (low > high) {
            return new Scale(logarithmic ? 0.1 : 0, 1, logarithmic);
        }
        if (logarithmic) {
            return low == high ? new Scale(low / 2, high * 2, true) : new Scale(low / 1.05, high * 1.05, true);
        }
        if (high - low <= 1e-12 * Math.max(Math.abs(low), Math.abs(high))) {
            // Nothing but rounding tells them apart: a step between them would be lost in them.
            double room = low == 0 ? 1 : Math.abs(low) / 2;
            return new Scale(low - room, high + room, false);
        }
        return new Scale(low, high, false);
    }

    Scale(double low, double high, boolean logarithmic) {
        this(low, high, logarithmic, false);
    }

    /** Of whole values, such as iterations. */
    Scale ofCounts() {
        return new Scale(low, high, logarithmic, true);
    }

    /** With round ends. */
    Scale rounded() {
        if (logarithmic) {
            return this;
        }
        double step = step();
        return new Scale(Math.floor(low / step) * step, Math.ceil(high / step) * step, false);
    }

    /** Where a value is, 0 at the low end and 1 at the high one. */
    double place(double value) {
        return logarithmic ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    }

    private double step() {
        double rough = Math.max((high - low) / 5, counted ? 1 : 0);
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        double share = rough / power;
        return power * (share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10);
    }

    /** Round values between the ends. */
    List<Double> ticks() {
        List<Double> ticks = new ArrayList<>();
        if (logarithmic && high / low > FEW) {
            double[] parts = high / low > 100 ? new double[] {1} : new double[] {1, 2, 5};
            for (int power = (int) Math.floor(Math.log10(low)); power <= Math.log10(high) + 1; power++) {
                for (double part : parts) {
                    double tick = part * Math.pow(10, power);
                    if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) {
                        ticks.add(tick);
                    }
                }
            }
            return ticks;
        }
        double step = step();
        for (double tick = Math.ceil(low / step - 1e-9); tick * step <= high + step * 1e-9; tick++) {
            ticks.add(tick * step == 0 ? 0 : tick * step);
        }
        return ticks;
    }

    /** A tick as text, with as many digits as tell it from its neighbours. */
    String label(double tick) {
        if (logarithmic && high / low > FEW) {
            return trimmed(String.format(Locale.ROOT, tick < 0.01 ? "%.0e" : "%.3f", tick));
        }
        int digits = Math.max(0, (int) Math.ceil(-Math.log10(step()) - 1e-9));
        return String.format(Locale.ROOT, "%,." + digits + "f", tick);
    }

    private static String trimmed(String text) {
        return text.contains("e") ? text : text.replaceFirst("\\.?0+$", "");
    }
}

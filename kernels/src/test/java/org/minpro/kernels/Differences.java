package org.minpro.kernels;

import java.util.function.ToDoubleFunction;

/** Central differences in float64: the gradient of a reference without a second formula. */
final class Differences {
    private static final double STEP = 1e-5;

    private Differences() {}

    /** The gradient of a function of an array, at what the array holds. */
    static double[] gradient(double[] at, ToDoubleFunction<double[]> function) {
        double[] gradient = new double[at.length];
        for (int i = 0; i < at.length; i++) {
            double value = at[i];
            at[i] = value + STEP;
            double above = function.applyAsDouble(at);
            at[i] = value - STEP;
            double below = function.applyAsDouble(at);
            at[i] = value;
            gradient[i] = (above - below) / (2 * STEP);
        }
        return gradient;
    }

    static double dot(double[] one, double[] other) {
        double sum = 0;
        for (int i = 0; i < one.length; i++) {
            sum += one[i] * other[i];
        }
        return sum;
    }
}

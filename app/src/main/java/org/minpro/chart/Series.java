package org.minpro.chart;

import java.util.List;

/**
 * A line of a chart, with a band around it where its points have one.
 *
 * @param label what it is
 * @param style which of {@link Styles} draws it
 * @param points from left to right
 */
public record Series(String label, int style, List<Point> points) {
    /**
     * A point; what is not finite is not drawn.
     *
     * @param x place
     * @param y value
     * @param low end of the band
     * @param high end of the band
     */
    public record Point(double x, double y, double low, double high) {
        /** A point without a band. */
        public Point(double x, double y) {
            this(x, y, Double.NaN, Double.NaN);
        }
    }

    public Series {
        points = List.copyOf(points);
    }
}

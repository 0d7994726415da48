package org.minpro.chart;

import java.util.Locale;

/** Text and numbers as SVG has them. */
public final class Svg {
    private Svg() {}

    /** With what markup means something escaped, for text and for attributes. */
    public static String text(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;")
                .replace("'", "&#39;");
    }

    /** A line through points in the shortest form: each as its distance from the one before, in tenths of a pixel. */
    static final class Path {
        private final StringBuilder text = new StringBuilder();
        private long x;
        private long y;

        /** Goes on to a point. */
        void to(double toX, double toY) {
            long nextX = Math.round(10 * toX);
            long nextY = Math.round(10 * toY);
            String down = number((nextY - y) / 10.0);
            text.append(text.isEmpty() ? "M" : "l")
                    .append(number((nextX - x) / 10.0))
                    .append(down.startsWith("-") ? "" : " ")
                    .append(down);
            x = nextX;
            y = nextY;
        }

        @Override
        public String toString() {
            return text.toString();
        }
    }

    /** A tenth of a pixel is enough. */
    static String number(double value) {
        String text = String.format(Locale.ROOT, "%.1f", value);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    }
}

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

    /** A tenth of a pixel is enough. */
    static String number(double value) {
        String text = String.format(Locale.ROOT, "%.1f", value);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    }
}

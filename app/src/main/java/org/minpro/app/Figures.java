package org.minpro.app;

import java.util.Locale;

/** Numbers as people read them. */
final class Figures {
    private Figures() {}

    private static final long DAY = 24 * 3600;

    /** Such as {@code 1:05} or {@code 2:03:20}; from two days on in days. */
    static String duration(double seconds) {
        if (!Double.isFinite(seconds)) {
            return "?";
        }
        long whole = Math.round(seconds);
        if (whole >= 2 * DAY) {
            return String.format(Locale.ROOT, "%,d days", Math.round((double) whole / DAY));
        }
        return whole < 3600
                ? String.format(Locale.ROOT, "%d:%02d", whole / 60, whole % 60)
                : String.format(Locale.ROOT, "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
    }

    /** With thousands separators. */
    static String count(long count) {
        return String.format(Locale.ROOT, "%,d", count);
    }
}

package org.minpro.text.jinja;

import java.time.LocalDateTime;
import java.time.format.TextStyle;
import java.time.temporal.ChronoField;
import java.time.temporal.IsoFields;
import java.util.Locale;

/** Python's {@code strftime} in the C locale, for a time without a zone. */
final class DateFormat {
    private DateFormat() {}

    static String format(String format, LocalDateTime time) {
        StringBuilder result = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%' || i + 1 == format.length()) {
                result.append(c);
                continue;
            }
            char directive = format.charAt(++i);
            boolean unpadded = directive == '-' && i + 1 < format.length();
            if (unpadded) {
                directive = format.charAt(++i);
            }
            String text = directive(directive, time);
            result.append(unpadded ? text.replaceFirst("^[0 ]+(?=.)", "") : text);
        }
        return result.toString();
    }

    private static String directive(char directive, LocalDateTime time) {
        return switch (directive) {
            case 'a' -> time.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'A' -> time.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'b', 'h' -> time.getMonth().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'B' -> time.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'w' -> "" + time.getDayOfWeek().getValue() % 7;
            case 'u' -> "" + time.getDayOfWeek().getValue();
            case 'd' -> padded(time.getDayOfMonth());
            case 'e' -> String.format(Locale.ROOT, "%2d", time.getDayOfMonth());
            case 'm' -> padded(time.getMonthValue());
            case 'y' -> padded(time.getYear() % 100);
            case 'Y' -> "" + time.getYear();
            case 'G' -> "" + time.get(IsoFields.WEEK_BASED_YEAR);
            case 'V' -> padded(time.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR));
            case 'H' -> padded(time.getHour());
            case 'I' -> padded(time.get(ChronoField.CLOCK_HOUR_OF_AMPM));
            case 'M' -> padded(time.getMinute());
            case 'S' -> padded(time.getSecond());
            case 'f' -> String.format(Locale.ROOT, "%06d", time.getNano() / 1000);
            case 'p' -> time.getHour() < 12 ? "AM" : "PM";
            case 'j' -> String.format(Locale.ROOT, "%03d", time.getDayOfYear());
            case 'U' -> week(time, 7);
            case 'W' -> week(time, 1);
            case 'z', 'Z' -> "";
            case 'c' -> format("%a %b %e %H:%M:%S %Y", time);
            case 'x', 'D' -> format("%m/%d/%y", time);
            case 'X', 'T' -> format("%H:%M:%S", time);
            case 'F' -> format("%Y-%m-%d", time);
            case 'R' -> format("%H:%M", time);
            case 'n' -> "\n";
            case 't' -> "\t";
            case '%' -> "%";
            default -> throw JinjaException.of("a directive of a date format is not supported: %" + directive);
        };
    }

    private static String padded(int number) {
        return String.format(Locale.ROOT, "%02d", number);
    }

    /** Weeks since the first such day of the year; the days before it are in week 0. */
    private static String week(LocalDateTime time, int firstDay) {
        int sinceFirstDay = Math.floorMod(time.getDayOfWeek().getValue() - firstDay, 7);
        return padded((time.getDayOfYear() + 6 - sinceFirstDay) / 7);
    }
}

package org.minpro.app;

import java.util.ArrayList;
import java.util.List;

/**
 * Text as a terminal shows it: measured in columns, and with nothing in it that would move the cursor.
 *
 * <p>East Asian wide characters and emoji take two columns, combining marks none. Where terminals differ (a family of
 * emoji, a flag) the larger width is taken, so that a line is rather too short than too long.
 */
final class DisplayText {
    private static final String CUT = "…";
    private static final int REPLACEMENT = 0xFFFD;

    private DisplayText() {}

    /**
     * One line of text for a text of any characters: a line end becomes {@code ↵}, a tab a blank, any other control
     * character its picture ({@code ␛}); what changes the direction of writing, and half of a surrogate pair, becomes
     * U+FFFD.
     */
    static String visible(String text) {
        StringBuilder line = new StringBuilder(text.length());
        text.replace("\r\n", "\n").codePoints().forEach(c -> line.appendCodePoint(visible(c)));
        return line.toString();
    }

    /** As {@link #visible}, with line ends and tabs as they are. */
    static String lines(String text) {
        StringBuilder shown = new StringBuilder(text.length());
        text.codePoints().forEach(c -> shown.appendCodePoint(c == '\n' || c == '\t' ? c : visible(c)));
        return shown.toString();
    }

    private static int visible(int c) {
        return switch (c) {
            case '\n', 0x2028, 0x2029, 0x85 -> '↵';
            case '\t' -> ' ';
            case 0x7F -> '␡';
            // What joins emoji and letters stays; it takes no column.
            case 0x200C, 0x200D -> c;
            default -> {
                if (c < 0x20) {
                    yield 0x2400 + c;
                }
                int type = Character.getType(c);
                boolean hidden = type == Character.CONTROL || type == Character.FORMAT || type == Character.SURROGATE;
                yield hidden ? REPLACEMENT : c;
            }
        };
    }

    /** Columns that a text without control characters takes. */
    static int width(String text) {
        return text.codePoints().map(DisplayText::width).sum();
    }

    private static int width(int c) {
        int type = Character.getType(c);
        if (type == Character.NON_SPACING_MARK
                || type == Character.ENCLOSING_MARK
                || type == Character.FORMAT
                || (c >= 0x1160 && c <= 0x11FF)) {
            return 0;
        }
        return isWide(c) ? 2 : 1;
    }

    /** The wide and full-width characters of Unicode's annex 11, by blocks. */
    private static boolean isWide(int c) {
        return Character.isEmojiPresentation(c)
                || (c >= 0x1100 && c <= 0x115F)
                || (c >= 0x2E80 && c <= 0xA4CF && c != 0x303F)
                || (c >= 0xA960 && c <= 0xA97F)
                || (c >= 0xAC00 && c <= 0xD7A3)
                || (c >= 0xF900 && c <= 0xFAFF)
                || (c >= 0xFE10 && c <= 0xFE19)
                || (c >= 0xFE30 && c <= 0xFE6F)
                || (c >= 0xFF01 && c <= 0xFF60)
                || (c >= 0xFFE0 && c <= 0xFFE6)
                || (c >= 0x16FE0 && c <= 0x18DFF)
                || (c >= 0x1AFF0 && c <= 0x1B2FF)
                || (c >= 0x1F200 && c <= 0x1F2FF)
                || (c >= 0x1F300 && c <= 0x1F64F)
                || (c >= 0x1F900 && c <= 0x1FAFF)
                || (c >= 0x20000 && c <= 0x3FFFD);
    }

    /** The text where it fits, else its beginning and {@code …}. */
    static String fit(String text, int columns) {
        if (width(text) <= columns) {
            return text;
        }
        return columns <= 0 ? "" : text.substring(0, end(text, 0, columns - 1)) + CUT;
    }

    /** The text where it fits, else its beginning, {@code …} and its end, where an answer mostly stands. */
    static String fitWithEnd(String text, int columns) {
        if (width(text) <= columns || columns < 8) {
            return fit(text, columns);
        }
        int ofEnd = (columns - 1) / 2;
        int start = text.length();
        int taken = 0;
        while (start > 0) {
            int c = text.codePointBefore(start);
            if (taken + width(c) > ofEnd) {
                break;
            }
            taken += width(c);
            start -= Character.charCount(c);
        }
        // A mark stays with the character that it stands on.
        while (start < text.length() && width(text.codePointAt(start)) == 0) {
            start += Character.charCount(text.codePointAt(start));
        }
        return text.substring(0, end(text, 0, columns - 1 - ofEnd)) + CUT + text.substring(start);
    }

    /** The text in lines of at most so many columns; at least one line. */
    static List<String> wrap(String text, int columns) {
        List<String> lines = new ArrayList<>();
        int start = 0;
        do {
            int end = end(text, start, Math.max(2, columns));
            lines.add(text.substring(start, end));
            start = end;
        } while (start < text.length());
        return lines;
    }

    /** Where the longest piece from {@code start} ends that fits, with the marks on its last character. */
    private static int end(String text, int start, int columns) {
        int taken = 0;
        int end = start;
        while (end < text.length()) {
            int c = text.codePointAt(end);
            taken += width(c);
            if (taken > columns) {
                break;
            }
            end += Character.charCount(c);
        }
        return end;
    }

    /** The text with blanks up to so many columns. */
    static String padded(String text, int columns) {
        return text + " ".repeat(Math.max(0, columns - width(text)));
    }
}

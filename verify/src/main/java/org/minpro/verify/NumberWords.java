package org.minpro.verify;

import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Numbers in English words: {@code twelve}, {@code two hundred and five}, {@code three quarters}. */
final class NumberWords {
    private static final Map<String, Integer> SMALL = Map.ofEntries(
            Map.entry("zero", 0),
            Map.entry("one", 1),
            Map.entry("two", 2),
            Map.entry("three", 3),
            Map.entry("four", 4),
            Map.entry("five", 5),
            Map.entry("six", 6),
            Map.entry("seven", 7),
            Map.entry("eight", 8),
            Map.entry("nine", 9),
            Map.entry("ten", 10),
            Map.entry("eleven", 11),
            Map.entry("twelve", 12),
            Map.entry("thirteen", 13),
            Map.entry("fourteen", 14),
            Map.entry("fifteen", 15),
            Map.entry("sixteen", 16),
            Map.entry("seventeen", 17),
            Map.entry("eighteen", 18),
            Map.entry("nineteen", 19));
    private static final Map<String, Integer> TENS = Map.of(
            "twenty", 20, "thirty", 30, "forty", 40, "fifty", 50, "sixty", 60, "seventy", 70, "eighty", 80, "ninety",
            90);
    private static final Map<String, Long> SCALES = Map.of(
            "dozen",
            12L,
            "hundred",
            100L,
            "thousand",
            1_000L,
            "million",
            1_000_000L,
            "billion",
            1_000_000_000L,
            "trillion",
            1_000_000_000_000L);
    private static final Map<String, Integer> PARTS = Map.ofEntries(
            Map.entry("half", 2),
            Map.entry("halves", 2),
            Map.entry("third", 3),
            Map.entry("thirds", 3),
            Map.entry("quarter", 4),
            Map.entry("quarters", 4),
            Map.entry("fourth", 4),
            Map.entry("fourths", 4),
            Map.entry("fifth", 5),
            Map.entry("fifths", 5),
            Map.entry("sixth", 6),
            Map.entry("sixths", 6),
            Map.entry("eighth", 8),
            Map.entry("eighths", 8));

    private NumberWords() {}

    /** What one such word multiplies by, or null for any other word. */
    static @Nullable Rational scale(String word) {
        Long scale = SCALES.get(word);
        return scale == null ? null : Rational.of(scale);
    }

    /** Whether a word is one of a number. */
    static boolean isNumber(String word) {
        return SMALL.containsKey(word) || TENS.containsKey(word) || SCALES.containsKey(word);
    }

    /** The number that a whole text names, or null. */
    static @Nullable Rational read(String text) {
        if (text.length() > 100) {
            return null;
        }
        String[] words = text.toLowerCase(Locale.ROOT).strip().split("[\\s-]+");
        Integer parts = words.length == 2 ? PARTS.get(words[1]) : null;
        if (parts != null) {
            Integer count = SMALL.get(words[0]);
            return count == null || count == 0 ? null : Rational.of(count, parts);
        }
        return integer(words);
    }

    /** Groups below a thousand, each with a smaller scale than the one before. */
    private static @Nullable Rational integer(String[] words) {
        long total = 0;
        long lastScale = Long.MAX_VALUE;
        long group = 0;
        long room = 1000; // the next word of the group must be below this
        boolean any = false;
        for (String word : words) {
            Integer small = SMALL.get(word);
            Integer tens = TENS.get(word);
            if (small != null && small < room && (small > 0 || words.length == 1)) {
                group += small;
                room = 0;
            } else if (tens != null && room >= 100) {
                group += tens;
                room = 10;
            } else if (word.equals("hundred") && group > 0 && group < 10) {
                group *= 100;
                room = 100;
            } else if (word.equals("and") && any && (room == 100 || group == 0)) {
                continue;
            } else {
                Long scale = SCALES.get(word);
                if (scale == null || scale < 1000 || group == 0 || scale >= lastScale) {
                    return null;
                }
                total += group * scale;
                lastScale = scale;
                group = 0;
                room = 1000;
            }
            any = true;
        }
        return any ? Rational.of(total + group) : null;
    }
}

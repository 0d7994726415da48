package org.minpro.rollout;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Function;

/**
 * Texts that end a response: it ends with the token that completes one, and what counts is the text before it.
 *
 * <p>A stop text may begin and end inside a token, so texts are compared, never ids. Only a match that the last token
 * completes counts: the same text in ids that were given to the policy ends nothing.
 */
final class StopTexts {
    private final List<String> stops;
    private final Function<int[], String> text;
    private final int longest;

    /**
     * @param stops none of them empty
     * @param text decodes ids without special tokens
     */
    StopTexts(List<String> stops, Function<int[], String> text) {
        this.stops = List.copyOf(stops);
        this.text = text;
        this.longest = stops.stream().mapToInt(String::length).max().orElse(0);
    }

    /** Whether the last of the first {@code length} ids completes a stop text. */
    boolean completedBy(int[] ids, int length) {
        if (stops.isEmpty()) {
            return false;
        }
        // Enough ids at the end to hold a stop text: mostly one character has at most four of them.
        for (int count = 4 * longest + 4; ; count *= 2) {
            int start = Math.max(0, length - count);
            String before = text.apply(Arrays.copyOfRange(ids, start, length - 1));
            String all = text.apply(Arrays.copyOfRange(ids, start, length));
            if (cut(before, all).isPresent()) {
                return true;
            }
            if (start == 0 || before.length() >= longest) {
                return false;
            }
        }
    }

    /** The text before the first stop text that the last id completes; all of it where none is completed. */
    String before(int[] ids) {
        String all = text.apply(ids);
        if (stops.isEmpty() || ids.length == 0) {
            return all;
        }
        OptionalInt end = cut(text.apply(Arrays.copyOf(ids, ids.length - 1)), all);
        return end.isPresent() ? all.substring(0, end.getAsInt()) : all;
    }

    /** Where the first stop text begins that ends behind what both texts have in common. */
    private OptionalInt cut(String before, String all) {
        int common = 0;
        while (common < before.length() && common < all.length() && before.charAt(common) == all.charAt(common)) {
            common++;
        }
        int first = -1;
        for (String stop : stops) {
            int at = all.indexOf(stop, Math.max(0, common - stop.length() + 1));
            first = at >= 0 && (first < 0 || at < first) ? at : first;
        }
        return first < 0 ? OptionalInt.empty() : OptionalInt.of(first);
    }
}

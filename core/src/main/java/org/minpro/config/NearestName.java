package org.minpro.config;

import java.util.Collection;
import java.util.Comparator;
import org.jspecify.annotations.NullMarked;

/** The message about a name that is not in a list, with the nearest one that is. */
@NullMarked
public final class NearestName {
    private NearestName() {}

    /** {@code what must be one of a, b, c, got: d; did you mean a?} */
    public static String message(String what, String got, Collection<String> names) {
        String nearest = names.stream()
                .min(Comparator.comparingInt((String name) -> distance(name, got))
                        .thenComparing(Comparator.naturalOrder()))
                .filter(name -> distance(name, got) <= Math.max(2, got.length() / 3))
                .map(name -> "; did you mean " + name + "?")
                .orElse("");
        return what + " must be one of " + String.join(", ", names) + ", got: " + got + nearest;
    }

    /** Levenshtein's distance. */
    private static int distance(String first, String second) {
        int[] row = new int[second.length() + 1];
        for (int j = 0; j <= second.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= first.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= second.length(); j++) {
                int substitution = diagonal + (first.charAt(i - 1) == second.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(substitution, Math.min(row[j - 1], row[j]) + 1);
            }
        }
        return row[second.length()];
    }
}

package org.minpro.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Finds the name that somebody probably meant. */
public final class NearestName {
    /** Letters that say which name is meant. */
    private static final int BEGINNING = 3;

    private NearestName() {}

    /**
     * The candidate with the fewest edits (insertion, deletion, substitution, exchange of neighbours; case, {@code _} and
     * {@code -} count as equal), if they are at most a third of the name; the first in alphabetical order where several are equally near.
     * Where none is near, the shortest one that begins with the name: {@code temp} is {@code temperature}.
     */
    public static Optional<String> of(String name, Collection<String> candidates) {
        String wanted = normal(name);
        int limit = Math.max(1, wanted.length() / 3);
        return candidates.stream()
                .filter(candidate -> edits(wanted, normal(candidate)) <= limit)
                .min(Comparator.comparingInt((String candidate) -> edits(wanted, normal(candidate)))
                        .thenComparing(Comparator.naturalOrder()))
                .or(() -> candidates.stream()
                        .filter(candidate -> wanted.length() >= BEGINNING
                                && normal(candidate).startsWith(wanted))
                        .min(Comparator.comparingInt(String::length).thenComparing(Comparator.naturalOrder())));
    }

    /** {@code " Did you mean 'x'?"}, or nothing where no candidate is near. */
    public static String hint(String name, Collection<String> candidates) {
        return of(name, candidates).map(near -> " Did you mean '" + near + "'?").orElse("");
    }

    /** {@code what must be one of a, b, got: d. Did you mean 'a'?} */
    public static String message(String what, String got, Collection<String> candidates) {
        return what + " must be one of " + String.join(", ", candidates) + ", got: " + got + "."
                + hint(got, candidates);
    }

    private static String normal(String name) {
        return name.replace("-", "").replace("_", "").toLowerCase(Locale.ROOT);
    }

    private static int edits(String a, String b) {
        int[][] distance = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                if (i == 0 || j == 0) {
                    distance[i][j] = i + j;
                    continue;
                }
                int substitution = distance[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                int best = Math.min(substitution, Math.min(distance[i - 1][j], distance[i][j - 1]) + 1);
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    best = Math.min(best, distance[i - 2][j - 2] + 1);
                }
                distance[i][j] = best;
            }
        }
        return distance[a.length()][b.length()];
    }
}

package org.minpro.kernels;

/**
 * Which rows go to which expert: the choices of all tokens, grouped by expert, and in a group by token.
 *
 * @param offsets where each expert's rows begin, and where the last one's end; {@code [experts + 1]}
 * @param tokens of each row, {@code [tokens * perToken]}
 * @param places of each row among the choices, {@code token * perToken + choice}
 */
public record ExpertGroups(int[] offsets, int[] tokens, int[] places) {
    /**
     * Groups the choices.
     *
     * @param chosen experts of each token, {@code [tokens, perToken]} int64; no token has one twice
     */
    public static ExpertGroups of(long chosen, int tokens, int perToken, int experts) {
        Shapes.present("chosen", chosen);
        Shapes.positive("tokens", tokens);
        Shapes.positive("perToken", perToken);
        Shapes.positive("experts", experts);
        int count = Math.multiplyExact(tokens, perToken);
        int[] offsets = new int[experts + 1];
        for (int place = 0; place < count; place++) {
            offsets[expert(chosen, place, experts) + 1]++;
        }
        for (int expert = 0; expert < experts; expert++) {
            offsets[expert + 1] += offsets[expert];
        }
        int[] next = offsets.clone();
        int[] ofToken = new int[count];
        int[] places = new int[count];
        for (int place = 0; place < count; place++) {
            int row = next[expert(chosen, place, experts)]++;
            ofToken[row] = place / perToken;
            places[row] = place;
        }
        return new ExpertGroups(offsets, ofToken, places);
    }

    private static int expert(long chosen, int place, int experts) {
        long expert = Vectors.getLong(chosen + 8L * place);
        if (expert < 0 || expert >= experts) {
            throw new IllegalArgumentException("experts must be in [0, " + experts + "), got: " + expert);
        }
        return (int) expert;
    }

    /** Rows of an expert. */
    public int count(int expert) {
        return offsets[expert + 1] - offsets[expert];
    }
}

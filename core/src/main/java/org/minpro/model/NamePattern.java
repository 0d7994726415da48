package org.minpro.model;

/** A pattern of names in which {@code *} stands for any letters, none and dots among them. */
record NamePattern(String text) {
    private static final char ANY = '*';

    boolean matches(String name) {
        return edits(name) == 0;
    }

    /** Insertions, deletions and substitutions that make the pattern match a name: 0 where it does. */
    int edits(String name) {
        int[] row = new int[name.length() + 1]; // edits from the pattern so far to each beginning of the name
        for (int j = 0; j < row.length; j++) {
            row[j] = j;
        }
        for (int i = 0; i < text.length(); i++) {
            int[] above = row;
            row = new int[above.length];
            boolean any = text.charAt(i) == ANY;
            row[0] = any ? above[0] : above[0] + 1;
            for (int j = 1; j < row.length; j++) {
                int change = text.charAt(i) == name.charAt(j - 1) ? 0 : 1;
                row[j] = any
                        ? Math.min(above[j], row[j - 1])
                        : Math.min(above[j - 1] + change, Math.min(above[j], row[j - 1]) + 1);
            }
        }
        return row[name.length()];
    }
}

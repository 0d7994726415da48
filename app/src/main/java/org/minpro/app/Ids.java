package org.minpro.app;

import org.minpro.data.Row;

/** Checks token ids that came from outside. */
final class Ids {
    private Ids() {}

    static void check(Row row, int[] ids, int vocabulary) {
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < 0 || ids[i] >= vocabulary) {
                throw row.error(
                        "ids must be in [0, " + vocabulary + "), the model's vocabulary, got at " + i + ": " + ids[i]);
            }
        }
    }
}

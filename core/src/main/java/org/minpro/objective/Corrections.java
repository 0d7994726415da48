package org.minpro.objective;

import java.util.List;
import org.minpro.config.NamedRecords;

/** The table of corrections: name, record class and one line each, sorted; a class name works in place of a name. */
public final class Corrections {
    private static final NamedRecords<Correction> TABLE = new NamedRecords<>(
            "correction",
            Correction.class,
            List.of(new NamedRecords.Entry<>(
                    "tis",
                    TruncatedImportanceSampling.class,
                    "capped ratio of the proximal policy to the one that sampled")));

    private Corrections() {}

    /** The table itself. */
    public static NamedRecords<Correction> table() {
        return TABLE;
    }
}

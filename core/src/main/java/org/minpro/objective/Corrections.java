package org.minpro.objective;

import java.util.List;
import org.minpro.config.NamedRecords;

/** The table of corrections: name, record class and one line each, sorted; a class name works in place of a name. */
public final class Corrections {
    private static final NamedRecords<Correction> TABLE = new NamedRecords<>(
            "correction",
            Correction.class,
            List.of(
                    new NamedRecords.Entry<>(
                            "divergence",
                            DivergenceMask.class,
                            "tokens or responses left out by an estimate of the divergence"),
                    new NamedRecords.Entry<>("icepop", IcePop.class, "the ratio inside a window, else 0"),
                    new NamedRecords.Entry<>(
                            "mis",
                            MaskedImportanceSampling.class,
                            "responses left out by the geometric mean of their ratios"),
                    new NamedRecords.Entry<>(
                            "tis",
                            TruncatedImportanceSampling.class,
                            "capped ratio of the proximal policy to the one that sampled"),
                    new NamedRecords.Entry<>("veto", Veto.class, "responses left out for one token of tiny ratio")));

    private Corrections() {}

    /** The table itself. */
    public static NamedRecords<Correction> table() {
        return TABLE;
    }
}

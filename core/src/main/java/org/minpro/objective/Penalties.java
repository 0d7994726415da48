package org.minpro.objective;

import java.util.List;
import org.minpro.config.NamedRecords;

/** The table of penalties: name, record class and one line each, sorted; a class name works in place of a name. */
public final class Penalties {
    private static final NamedRecords<Penalty> TABLE = new NamedRecords<>(
            "penalty",
            Penalty.class,
            List.of(
                    new NamedRecords.Entry<>("entropy", EntropyBonus.class, "bonus for the entropy of the policy"),
                    new NamedRecords.Entry<>("kl", KlPenalty.class, "distance from another policy")));

    private Penalties() {}

    /** The table itself. */
    public static NamedRecords<Penalty> table() {
        return TABLE;
    }
}

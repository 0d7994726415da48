package org.minpro.tool;

import java.util.List;
import org.minpro.config.NamedRecords;

/** The table of toolboxes: name, record class and one line each; a record's class name works in place of a name. */
public final class Toolboxes {
    private static final NamedRecords<Toolbox> TABLE = new NamedRecords<>(
            "toolbox",
            Toolbox.class,
            List.of(new NamedRecords.Entry<>("calculator", Calculator.class, "arithmetic with parentheses")));

    private Toolboxes() {}

    /** The table itself, for binding configurations. */
    public static NamedRecords<Toolbox> table() {
        return TABLE;
    }
}

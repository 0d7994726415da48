package org.minpro.environment;

import java.util.List;
import org.minpro.config.NamedRecords;

/**
 * The table of environments: name, record class and one line each; a record's class name works in place of a name.
 *
 * <p>A newcomer adds one with a record that implements {@link Environment} and one line below.
 */
public final class Environments {
    private static final NamedRecords<Environment> TABLE = new NamedRecords<>(
            "environment",
            Environment.class,
            List.of(
                    new NamedRecords.Entry<>(
                            "guess-the-number", GuessTheNumber.class, "a number to be found by guesses and hints"),
                    new NamedRecords.Entry<>("http", HttpEnvironment.class, "a service that answers in JSON"),
                    new NamedRecords.Entry<>("tools", ToolUse.class, "functions to call before the answer")));

    private Environments() {}

    /** The table itself, for binding configurations. */
    public static NamedRecords<Environment> table() {
        return TABLE;
    }
}

package org.minpro.task;

import java.util.List;
import org.minpro.data.Problem;

/**
 * A problem of a built-in task and one way to write its solution.
 *
 * @param problem with a plain prompt
 * @param role of what it is told between turns
 * @param turns the texts that the model should give, without stop tokens, and between two of them what it is told
 */
public record Demonstration(Problem problem, String role, List<String> turns) {
    public Demonstration {
        turns = List.copyOf(turns);
        if (turns.size() % 2 == 0) {
            throw new IllegalArgumentException(
                    "a demonstration must end with a turn of the model, got: " + turns.size() + " turns");
        }
    }

    /** A demonstration of one turn. */
    public Demonstration(Problem problem, String response) {
        this(problem, List.of(response));
    }

    /** A demonstration of turns that a user answers. */
    public Demonstration(Problem problem, List<String> turns) {
        this(problem, "user", turns);
    }

    /** The last turn of the model: all that it gives where it has one. */
    public String response() {
        return turns.getLast();
    }
}

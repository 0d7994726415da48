package org.minpro.environment;

import java.util.Arrays;

/**
 * What the policy wrote in one turn.
 *
 * @param ordinal of the turn in its episode, from 0
 * @param ids token ids, {@code [time]}, with the stop id
 * @param text without special tokens, and without the stop text that ended the turn
 */
public record Turn(int ordinal, int[] ids, String text) {
    @Override
    public boolean equals(Object other) {
        return other instanceof Turn turn
                && ordinal == turn.ordinal
                && text.equals(turn.text)
                && Arrays.equals(ids, turn.ids);
    }

    @Override
    public int hashCode() {
        return 31 * ordinal + Arrays.hashCode(ids);
    }

    @Override
    public String toString() {
        return "Turn[" + ordinal + ", " + ids.length + " tokens, " + text + "]";
    }
}

package org.minpro.rollout;

import java.util.ArrayList;
import java.util.List;

/**
 * The tokens of a response that the policy wrote in one turn: those between what others said.
 *
 * @param from the first of them
 * @param to the one after the last
 */
public record TurnSpan(int from, int to) {
    /**
     * The turns of a response, in order.
     *
     * @param responseMask true where the policy wrote the token, {@code [time]}
     */
    public static List<TurnSpan> of(boolean[] responseMask) {
        List<TurnSpan> turns = new ArrayList<>();
        int from = -1;
        for (int t = 0; t <= responseMask.length; t++) {
            boolean written = t < responseMask.length && responseMask[t];
            if (written && from < 0) {
                from = t;
            } else if (!written && from >= 0) {
                turns.add(new TurnSpan(from, t));
                from = -1;
            }
        }
        return turns;
    }
}

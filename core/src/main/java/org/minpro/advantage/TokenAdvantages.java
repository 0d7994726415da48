package org.minpro.advantage;

import java.util.List;

/**
 * The advantages of one group, token by token.
 *
 * @param values of each response's tokens, {@code [time]}; 0 at masked tokens and where the response is not counted
 * @param counted false where the score is undecided: the response's tokens are masked out of the loss
 */
public record TokenAdvantages(List<double[]> values, boolean[] counted) {
    public TokenAdvantages {
        values = List.copyOf(values);
    }
}

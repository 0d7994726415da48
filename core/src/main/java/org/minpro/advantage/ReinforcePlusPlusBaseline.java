package org.minpro.advantage;

import java.util.List;

/**
 * Rewards relative to their group's mean, brought to mean 0 and variance 1 over the iteration's tokens: {@code A_i = whitened(R_i - mean R)}
 * (REINFORCE++-baseline, arXiv 2501.03262, as in verl).
 *
 * <p>The mean over tokens is 0, not that over responses: a group whose rewards are all equal may have advantages other than 0.
 */
public record ReinforcePlusPlusBaseline() implements Advantage {
    @Override
    public List<List<double[]>> perToken(List<List<Response>> groups) {
        return Whitening.whitened(groups, new Centered().perToken(groups));
    }
}

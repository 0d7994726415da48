package org.minpro.advantage;

import java.util.List;

/**
 * Rewards relative to their group's mean, times alpha: {@code A_i = alpha (R_i - mean R)}, {@code alpha = n / m} with m the responses of
 * the iteration whose reward is not 0, of n (GPG, arXiv 2504.02546, as verl computes it with {@code f_norm} 1).
 */
public record GroupPolicyGradient() implements Advantage {
    @Override
    public List<List<double[]>> perToken(List<List<Response>> groups) {
        long all = groups.stream().mapToLong(List::size).sum();
        long rewarded = groups.stream()
                .flatMap(List::stream)
                .filter(response -> response.score().value() != 0)
                .count();
        double alpha = (double) all / Math.max(1, rewarded);
        List<List<double[]>> values = new Centered().perToken(groups);
        values.forEach(group -> group.forEach(ofTokens -> {
            for (int t = 0; t < ofTokens.length; t++) {
                ofTokens[t] *= alpha;
            }
        }));
        return values;
    }
}

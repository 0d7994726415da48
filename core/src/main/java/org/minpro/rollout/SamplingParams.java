package org.minpro.rollout;

import java.util.List;

/**
 * How tokens are drawn. Order as in transformers: temperature, top-k, top-p, min-p.
 *
 * @param temperature divides the logits; > 0
 * @param topK how many of the most probable tokens stay; 0 keeps all
 * @param topP the smallest set of most probable tokens with at least this mass stays; 1 keeps all
 * @param minP tokens less probable than {@code minP} times the most probable one go; 0 keeps all
 * @param maxNewTokens limit of a response's length, the stop id included
 * @param stopIds ids that end a response and belong to it
 * @param greedy whether the most probable token is taken; log-probabilities are then those of temperature 1
 */
public record SamplingParams(
        double temperature,
        int topK,
        double topP,
        double minP,
        int maxNewTokens,
        List<Integer> stopIds,
        boolean greedy) {
    public SamplingParams {
        check(temperature > 0 && Double.isFinite(temperature), "temperature", "> 0", temperature);
        check(topK >= 0, "top-k", ">= 0 (0 keeps all)", topK);
        check(topP > 0 && topP <= 1, "top-p", "in (0, 1]", topP);
        check(minP >= 0 && minP <= 1, "min-p", "in [0, 1]", minP);
        check(maxNewTokens >= 1, "max-new-tokens", ">= 1", maxNewTokens);
        stopIds = List.copyOf(stopIds);
    }

    private static void check(boolean holds, String name, String rule, Object value) {
        if (!holds) {
            throw new IllegalArgumentException(name + " must be " + rule + ", got: " + value);
        }
    }

    /** The whole distribution at temperature 1. */
    public static SamplingParams of(int maxNewTokens, List<Integer> stopIds) {
        return new SamplingParams(1, 0, 1, 0, maxNewTokens, stopIds, false);
    }

    public SamplingParams withGreedy(boolean greedy) {
        return new SamplingParams(temperature, topK, topP, minP, maxNewTokens, stopIds, greedy);
    }

    /** Whether some tokens can not be drawn, so that ratios to this policy are biased. */
    public boolean truncates() {
        return !greedy && (topK > 0 || topP < 1 || minP > 0);
    }

    /** The temperature of the reported log-probabilities. */
    public double reportedTemperature() {
        return greedy ? 1 : temperature;
    }
}

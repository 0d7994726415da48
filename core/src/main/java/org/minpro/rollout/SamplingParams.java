package org.minpro.rollout;

import java.util.List;

/**
 * How an engine draws tokens: {@link Sampling} with the model's own stop ids, or the most probable tokens.
 *
 * @param temperature divides the logits; > 0
 * @param topK how many of the most probable tokens stay; 0 keeps all
 * @param topP the smallest set of most probable tokens with at least this mass stays; 1 keeps all
 * @param minP tokens less probable than {@code minP} times the most probable one go; 0 keeps all
 * @param maxNewTokens limit of a response's length, the stop id included
 * @param stopIds ids that end a response and belong to it
 * @param stop texts that end a response; the token that completes one belongs to it, its text ends before
 * @param greedy whether the most probable token is taken; log-probabilities are then those of temperature 1
 */
public record SamplingParams(
        double temperature,
        int topK,
        double topP,
        double minP,
        int maxNewTokens,
        List<Integer> stopIds,
        List<String> stop,
        boolean greedy) {
    public SamplingParams {
        // The rules are a recipe's.
        sampling(temperature, topK, topP, minP, maxNewTokens, stop);
        stopIds = List.copyOf(stopIds);
        stop = List.copyOf(stop);
    }

    private static Sampling sampling(
            double temperature, int topK, double topP, double minP, int maxNewTokens, List<String> stop) {
        return new Sampling(temperature, topK, topP, minP, maxNewTokens, List.of(), stop, false);
    }

    /** The whole distribution at temperature 1. */
    public static SamplingParams of(int maxNewTokens, List<Integer> stopIds) {
        return new SamplingParams(1, 0, 1, 0, maxNewTokens, stopIds, List.of(), false);
    }

    public SamplingParams withGreedy(boolean greedy) {
        return new SamplingParams(temperature, topK, topP, minP, maxNewTokens, stopIds, stop, greedy);
    }

    /** The same with other texts that end a response. */
    public SamplingParams withStop(List<String> texts) {
        return new SamplingParams(temperature, topK, topP, minP, maxNewTokens, stopIds, texts, greedy);
    }

    public SamplingParams withMaxNewTokens(int limit) {
        return new SamplingParams(temperature, topK, topP, minP, limit, stopIds, stop, greedy);
    }

    /** Whether some tokens can not be drawn, so that ratios to this policy are biased. */
    public boolean truncates() {
        return !greedy
                && sampling(temperature, topK, topP, minP, maxNewTokens, stop).truncates();
    }

    /** The temperature of the reported log-probabilities. */
    public double reportedTemperature() {
        return greedy ? 1 : temperature;
    }
}

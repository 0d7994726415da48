package org.minpro.rollout;

import java.util.List;
import java.util.TreeSet;
import org.minpro.config.Doc;
import org.minpro.config.Rule;

/** What a recipe says of how responses are sampled. Order as in transformers: temperature, top-k, top-p, min-p. */
public record Sampling(
        @Doc("Divides the logits, > 0; log-probabilities and ratios are those of this temperature.")
        double temperature,

        @Doc("Only the most probable tokens are sampled, this many; 0 for all.")
        int topK,

        @Doc("Only the smallest set of most probable tokens with at least this mass, (0, 1]; 1 for all.")
        double topP,

        @Doc("Only tokens at least this times as probable as the most probable, [0, 1]; 0 for all.")
        double minP,

        @Doc("Longest response, tokens.") int maxNewTokens,

        @Doc("Ids that end a response, besides the model's own.")
        List<Integer> stopTokenIds,

        @Doc(
                "Texts that end a response, such as \"\\nQuestion:\": the token that completes one is the response's last, and"
                        + " the reward sees the text before it.")
        List<String> stop,

        @Doc("Whether responses go on to max-new-tokens whatever is sampled.")
        boolean ignoreEos) {
    public Sampling {
        stopTokenIds = List.copyOf(stopTokenIds);
        stop = List.copyOf(stop);
        Rule.check(temperature > 0 && Double.isFinite(temperature), "temperature", "> 0", temperature);
        Rule.check(topK >= 0, "top-k", ">= 0 (0 keeps all)", topK);
        Rule.check(topP > 0 && topP <= 1, "top-p", "in (0, 1]", topP);
        Rule.share("min-p", minP);
        Rule.positive("max-new-tokens", maxNewTokens);
        stop.forEach(text -> Rule.check(!text.isEmpty(), "stop", "texts of at least one character", "''"));
        stopTokenIds.forEach(id -> Rule.check(id >= 0, "stop-token-ids", "ids >= 0", id));
    }

    public Sampling() {
        this(1, 0, 1, 0, 120, List.of(), List.of(), false);
    }

    /** Whether some tokens cannot be sampled, so that ratios to the sampling policy are biased. */
    public boolean truncates() {
        return topK > 0 || topP < 1 || minP > 0;
    }

    /**
     * As the rollout engine takes it.
     *
     * @param modelStopIds the model's own ids that end a response
     */
    public SamplingParams params(List<Integer> modelStopIds) {
        TreeSet<Integer> stopIds = new TreeSet<>();
        if (!ignoreEos) {
            stopIds.addAll(modelStopIds);
            stopIds.addAll(stopTokenIds);
        }
        return new SamplingParams(
                temperature, topK, topP, minP, maxNewTokens, List.copyOf(stopIds), ignoreEos ? List.of() : stop, false);
    }
}

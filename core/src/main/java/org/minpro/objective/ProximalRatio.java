package org.minpro.objective;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.minpro.ratio.Ratios;
import org.minpro.tensor.Tensor;

/** The ratio of the proximal policy to the one that sampled, {@code w_t = pi_prox(y_t) / mu(y_t)}: what corrections weigh by. */
final class ProximalRatio {
    static final Set<LogProbStream> STREAMS = Set.of(LogProbStream.BEHAVIOR, LogProbStream.PROXIMAL);

    private ProximalRatio() {}

    /** {@code log w_t}, clamped to [-20, 20], {@code [batch, time]}. */
    static Tensor logToken(ObjectiveInputs inputs) {
        return Ratios.of(
                        inputs.logProbsOf(LogProbStream.PROXIMAL),
                        inputs.logProbsOf(LogProbStream.BEHAVIOR),
                        inputs.mask())
                .logToken();
    }

    /** Weights that are 0 where tokens are dropped, with the share of those. */
    static Correction.Weights masked(String name, Tensor weights, Tensor dropped) {
        Tensor kept = weights.maskedFill(dropped, 0);
        Map<String, Tensor> metrics = new HashMap<>();
        metrics.put("correction/" + name, kept);
        metrics.put("correction/" + name + "_dropped", dropped.to(weights.type()));
        return new Correction.Weights(kept, metrics);
    }
}

package org.minpro.objective;

import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.minpro.config.Doc;
import org.minpro.ratio.Ratios;
import org.minpro.tensor.Tensor;

/**
 * A distance of the policy from another one, estimated on the sampled tokens: {@code coefficient * k_t} with {@code d_t =
 * clamp(log pi_theta(y_t) - log pi_other(y_t), -20, 20)}, live.
 *
 * <ul>
 *   <li>{@code k1}: {@code d_t}, gradient coefficient {@code -1} at every token;
 *   <li>{@code k2}: {@code d_t^2 / 2}, gradient coefficient {@code -d_t};
 *   <li>{@code k3}: {@code exp(-d_t) - 1 + d_t}, gradient coefficient {@code -(1 - exp(-d_t))};
 *   <li>{@code low-variance}: k3 of at most 10, verl's {@code low_var_kl}; beyond that its gradient is 0.
 * </ul>
 *
 * All three estimate {@code KL(pi_theta || pi_other)} where {@code pi_theta} sampled (Schulman 2020, "Approximating KL
 * Divergence"); on older rollouts they weigh the tokens as the policy that sampled does. Where the clamp acts the gradient
 * is 0.
 *
 * @param against the other policy; the one that sampled is there without another pass over the rows
 * @param estimator k3 is GRPO's (arXiv 2402.03300): never negative, of low variance
 * @param coefficient what it is multiplied by; 0.001 is verl's
 */
public record KlPenalty(
        @Doc("The other policy: the one that sampled (behavior), the one at the start of the iteration's updates"
                + " (proximal), or the frozen one of kl.reference (reference).")
        LogProbStream against,

        @Doc(
                "How the distance is estimated from a token: d (k1), d^2 / 2 (k2), exp(-d) - 1 + d (k3), or k3 of at most 10"
                        + " (low-variance).")
        Estimator estimator,

        @Doc("What the distance is multiplied by.") double coefficient)
        implements Penalty {
    /** How the distance is estimated from one token. */
    public enum Estimator {
        K1,
        K2,
        K3,
        LOW_VARIANCE;

        /** Where verl's {@code low_var_kl} ends, nats. */
        private static final double HIGHEST = 10;

        /** The name in a configuration, such as {@code low-variance}. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        /** The distance of each token from {@code d_t}, {@code [batch, time]}, live where that is. */
        Tensor of(Tensor d) {
            return switch (this) {
                case K1 -> d;
                case K2 -> d.square().multiply(0.5);
                case K3 -> d.negate().exp().add(d).subtract(1);
                case LOW_VARIANCE -> K3.of(d).clampMaximum(HIGHEST);
            };
        }

        /** The same of one number. */
        public double of(double d) {
            return switch (this) {
                case K1 -> d;
                case K2 -> d * d / 2;
                case K3 -> Math.exp(-d) - 1 + d;
                case LOW_VARIANCE -> Math.min(K3.of(d), HIGHEST);
            };
        }
    }

    public KlPenalty {
        Rule.notNegative("coefficient", coefficient);
    }

    /** k3 against the policy that sampled, times 0.001. */
    public KlPenalty() {
        this(LogProbStream.BEHAVIOR, Estimator.K3, 1e-3);
    }

    @Override
    public Losses compute(ObjectiveInputs inputs) {
        Tensor d = inputs.logProbs()
                .subtract(inputs.logProbsOf(against))
                .clamp(-Ratios.LOG_LIMIT, Ratios.LOG_LIMIT); // [batch, time]
        Tensor distance = estimator.of(d);
        return new Losses(distance.multiply(coefficient), Map.of("penalty/kl_" + against, distance.detach()));
    }

    @Override
    public Set<LogProbStream> streams() {
        return Set.of(against);
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return coefficient == 0;
    }
}

package org.minpro.objective;

import java.util.Locale;
import java.util.Set;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * Rejection by an estimate of the divergence between the one that sampled and the proximal policy, {@code w = pi_prox / mu}: {@code k1 = -log w}, {@code k2 =
 * (log w)^2 / 2}, {@code k3 = w - 1 - log w} (verl's rollout_rs). What is kept weighs 1, the rest 0.
 *
 * <p>k2 and k3 are kept up to the threshold. k1 has a sign: it is kept where {@code log ratioLow <= k1 <= log ratioHigh}, so that these bound 1 / w.
 *
 * @param estimator how the divergence of a token is estimated: -log w, (log w)^2 / 2, or w - 1 - log w
 * @param level what is compared and dropped: tokens, or responses by the sum, mean or largest of their tokens
 * @param threshold largest k2 or k3 that is kept, nats
 * @param ratioLow with k1, smallest 1 / w that is kept
 * @param ratioHigh with k1, largest 1 / w that is kept; .inf for none
 * @param leaveDenominator whether tokens of weight 0 leave the denominator of the aggregation, as in verl, or stay in it, as in AReaL
 */
public record DivergenceMask(
        @Doc("How the divergence of a token is estimated: -log w, (log w)^2 / 2, or w - 1 - log w.")
        KlPenalty.Estimator estimator,

        @Doc("What is compared and dropped: tokens, or responses by the sum, mean or largest of their tokens.")
        Level level,

        @Doc("Largest k2 or k3 that is kept, nats.") double threshold,

        @Doc("With k1, smallest 1 / w that is kept.") double ratioLow,

        @Doc("With k1, largest 1 / w that is kept; .inf for none.")
        double ratioHigh,

        @Doc(
                "Whether tokens of weight 0 leave the denominator of the aggregation, as in verl, or stay in it, as in AReaL.")
        boolean leaveDenominator)
        implements Correction {
    /** What is compared and dropped. */
    public enum Level {
        /** Each token by itself. */
        TOKEN,
        /** A response by the sum over its tokens. */
        SEQUENCE_SUM,
        /** A response by the mean over its tokens. */
        SEQUENCE_MEAN,
        /** A response by the largest of its tokens. */
        SEQUENCE_MAX;

        /** The name in a configuration, such as {@code sequence-mean}. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    public DivergenceMask {
        Rule.notNegative("threshold", threshold);
        Rule.positive("ratio-low", ratioLow);
        Rule.window("ratio-low", ratioLow, "ratio-high", ratioHigh);
    }

    /** k3 of responses on average up to 0.01, verl's preset; 0.999 to 1.001 with k1. */
    public DivergenceMask() {
        this(KlPenalty.Estimator.K3, Level.SEQUENCE_MEAN, 0.01, 0.999, 1.001, false);
    }

    @Override
    public Weights compute(ObjectiveInputs inputs) {
        Tensor d = ProximalRatio.logToken(inputs); // [batch, time]
        Tensor ofToken = estimator.of(d.negate());
        Tensor divergence = switch (level) {
            case TOKEN -> ofToken;
            case SEQUENCE_SUM -> RowValues.sum(inputs, ofToken);
            case SEQUENCE_MEAN -> RowValues.mean(inputs, ofToken);
            case SEQUENCE_MAX -> RowValues.max(inputs, ofToken);
        };
        Tensor dropped = estimator == KlPenalty.Estimator.K1
                ? divergence.less(Math.log(ratioLow)).or(divergence.greater(Math.log(ratioHigh)))
                : divergence.greater(threshold);
        return ProximalRatio.masked("divergence", d.multiply(0).add(1), dropped);
    }

    @Override
    public Set<LogProbStream> streams() {
        return ProximalRatio.STREAMS;
    }

    @Override
    public boolean zerosLeaveDenominator() {
        return leaveDenominator;
    }
}

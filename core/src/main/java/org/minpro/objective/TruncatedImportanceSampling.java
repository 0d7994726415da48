package org.minpro.objective;

import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * Truncated importance sampling of the proximal policy against the one that sampled: {@code w_t = min(pi_prox(y_t) /
 * mu(y_t), cap)} (Ionides 2008; for language models Yao et al. 2025, "Your Efficient RL Framework Secretly Brings You
 * Off-Policy RL Training").
 *
 * <p>It is meant for {@link Anchor#PROXIMAL}, where the objective's ratios are {@code pi_theta / pi_prox} and leave this
 * factor out. With PPO's clip and no cap that is decoupled PPO (arXiv 2110.00641; for language models 2505.24298).
 *
 * @param level whose ratio is the weight: each token's, or the product over the row on all its tokens
 * @param cap upper bound of the weight; 2 is the default of verl and of slime
 */
public record TruncatedImportanceSampling(
        @Doc("Whose ratio is the weight: each token's, or the product over the response (sequence).")
        Level level,

        @Doc("Upper bound of the weight; .inf for none.") double cap)
        implements Correction {
    /** Whose ratio is the weight. */
    public enum Level {
        /** Each token's. */
        TOKEN,
        /** The product over the row, on all its tokens. */
        SEQUENCE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public TruncatedImportanceSampling {
        if (!(cap > 0)) {
            throw new IllegalArgumentException("cap must be > 0; .inf is no cap, got: " + cap);
        }
    }

    /** Weights of at most 2. */
    public TruncatedImportanceSampling() {
        this(2);
    }

    /** Weights of tokens. */
    public TruncatedImportanceSampling(double cap) {
        this(Level.TOKEN, cap);
    }

    @Override
    public Weights compute(ObjectiveInputs inputs) {
        Tensor d = ProximalRatio.logToken(inputs); // [batch, time]
        Tensor ratio = level == Level.TOKEN ? d.exp() : RowValues.product(inputs, d);
        Tensor weights = ratio.clampMaximum(cap);
        return new Weights(
                weights,
                Map.of(
                        "correction/tis",
                        weights,
                        "correction/tis_at_cap",
                        ratio.greater(cap).to(ratio.type())));
    }

    @Override
    public Set<LogProbStream> streams() {
        return ProximalRatio.STREAMS;
    }
}

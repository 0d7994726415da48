package org.minpro.objective;

import java.util.Locale;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * REINFORCE with truncated importance weights: {@code l_t = -sg(min(r_t, cap)) A_t log pi_theta(y_t)} (Ionides 2008; verl's {@code
 * reinforce} with rollout weights, ROLL's {@code tis} with cap 1).
 *
 * <p>Gradient coefficient {@code g_t = min(r_t, cap) A_t}; at level {@code sequence} r is the product of the row's ratios, on all its tokens.
 *
 * @param level whose ratio is the weight: each token's, or the product over the response (sequence)
 * @param cap upper bound of the weight, absolute; .inf for none
 */
@Described(
        family = "weight",
        formula = "−sg(min(ρ, cap)) A log π",
        source = "Ionides 2008; verl compute_policy_loss_reinforce, ROLL variant tis")
public record TisReinforce(
        @Doc("Whose ratio is the weight: each token's, or the product over the response (sequence).")
        Level level,

        @Doc("Upper bound of the weight, absolute; .inf for none.")
        double cap)
        implements Objective {
    /** What a ratio is of. */
    public enum Level {
        /** Each token by itself. */
        TOKEN,
        /** The whole response: the product of its tokens' ratios. */
        SEQUENCE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public TisReinforce {
        Rule.cap("cap", cap);
    }

    /** Weights of tokens, at most 2 as in verl. */
    public TisReinforce() {
        this(Level.TOKEN, 2);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor d = inputs.ratios().logToken(); // [batch, time]
        return ConstantWeight.of(inputs, level == Level.TOKEN ? d.exp() : RowValues.product(inputs, d), 0, cap);
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}

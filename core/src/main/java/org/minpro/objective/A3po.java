package org.minpro.objective;

import java.util.Locale;
import java.util.Set;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * A-3PO: {@link DecoupledPpo} without a pass for the proximal policy, which is put between the one that sampled and the current one by
 * the token's age: {@code log pi_prox = log mu + alpha (sg(log pi_theta) - log mu)}, {@code alpha = max(0, (age - 1) / age)} (arXiv 2512.06547).
 *
 * <p>So {@code r_t = rho_t^(1 - alpha)}, {@code w_t = min(rho_t^alpha, cap)}, {@code l_t = sg(w_t) max(-A_t r_t, -A_t clip(r_t, 1 - clipLow, 1 +
 * clipHigh))} and {@code g_t = w_t A_t r_t 1[not clipped]}. A token of age 0 or 1 has alpha 0. With the mixture {@code probabilities}, AReaL's
 * linear approximation, {@code pi_prox = (1 - alpha) mu + alpha sg(pi_theta)}: {@code w_t = 1 - alpha + alpha rho_t}, capped, and
 * {@code r_t = rho_t / (1 - alpha + alpha rho_t)}.
 *
 * @param clipLow half-width of the window below 1
 * @param clipHigh half-width of the window above 1
 * @param cap upper bound of the weight of the proximal policy; .inf for none
 * @param mixture what is mixed by age
 */
@Described(
        family = "clip",
        formula = "sg(min(ρ^α, cap)) max(−Aρ^(1−α), −A clip(ρ^(1−α)))",
        source = "arXiv 2512.06547; AReaL areal/trainer/ppo/actor.py")
public record A3po(
        @Doc("Half-width of the window below 1.") double clipLow,

        @Doc("Half-width of the window above 1.") double clipHigh,

        @Doc("Upper bound of the weight of the proximal policy; .inf for none.")
        double cap,

        @Doc("What is mixed by age: logarithms (the paper's) or probabilities.")
        Mixture mixture)
        implements Objective {
    /** What of the two policies is mixed. */
    public enum Mixture {
        /** A geometric mean of the probabilities, the paper's. */
        LOGARITHMS,
        /** An arithmetic mean of them. */
        PROBABILITIES;

        /** The name in a configuration, such as {@code logarithms}. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public A3po {
        ClippedSurrogate.check(clipLow, clipHigh);
        Rule.cap("cap", cap);
    }

    /** AReaL's 0.2 and 5, and the paper's mixture. */
    public A3po() {
        this(0.2, 0.2, 5, Mixture.LOGARITHMS);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor age = inputs.statistic(Statistic.AGE);
        Tensor alpha = age.subtract(1).divide(age.clampMinimum(1)).clampMinimum(0); // [batch, time]
        Tensor d = inputs.ratios().logToken();
        Tensor rest = alpha.negate().add(1);
        Tensor proximal = switch (mixture) {
            case LOGARITHMS -> d.multiply(alpha).exp();
            case PROBABILITIES -> d.exp().multiply(alpha).add(rest);
        };
        Tensor ratio = switch (mixture) {
            case LOGARITHMS -> d.multiply(rest).exp();
            case PROBABILITIES -> d.exp().divide(proximal);
        };
        Tensor weight = proximal.clampMaximum(cap);
        return FirstOrder.times(FirstOrder.clip(inputs, inputs.advantages(), ratio, 1 - clipLow, 1 + clipHigh), weight);
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }

    @Override
    public Set<Statistic> statistics() {
        return Set.of(Statistic.AGE);
    }
}

package org.minpro.objective;

import java.util.Set;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * A-3PO: {@link DecoupledPpo} without a pass for the proximal policy, which is put between the one that sampled and the current one by
 * the token's age: {@code log pi_prox = log mu + alpha (sg(log pi_theta) - log mu)}, {@code alpha = max(0, (age - 1) / age)} (arXiv 2512.06547).
 *
 * <p>So {@code r_t = rho_t^(1 - alpha)}, {@code w_t = min(rho_t^alpha, cap)}, {@code l_t = sg(w_t) max(-A_t r_t, -A_t clip(r_t, 1 - clipLow, 1 +
 * clipHigh))} and {@code g_t = w_t A_t r_t 1[not clipped]}. A token of age 0 or 1 has alpha 0. AReaL's variant that mixes probabilities
 * instead of logarithms is left out.
 *
 * @param clipLow half-width of the window below 1
 * @param clipHigh half-width of the window above 1
 * @param cap upper bound of the weight of the proximal policy; .inf for none
 */
@Described(
        family = "clip",
        formula = "sg(min(ρ^α, cap)) max(−Aρ^(1−α), −A clip(ρ^(1−α)))",
        source = "arXiv 2512.06547; AReaL areal/trainer/ppo/actor.py")
public record A3po(
        @Doc("Half-width of the window below 1.") double clipLow,

        @Doc("Half-width of the window above 1.") double clipHigh,

        @Doc("Upper bound of the weight of the proximal policy; .inf for none.")
        double cap)
        implements Objective {
    public A3po {
        ClippedSurrogate.check(clipLow, clipHigh);
        Rule.cap("cap", cap);
    }

    /** AReaL's 0.2 and 5. */
    public A3po() {
        this(0.2, 0.2, 5);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor age = inputs.statistic(Statistic.AGE);
        Tensor alpha = age.subtract(1).divide(age.clampMinimum(1)).clampMinimum(0); // [batch, time]
        Tensor d = inputs.ratios().logToken();
        Tensor weight = d.multiply(alpha).exp().clampMaximum(cap);
        Tensor ratio = d.multiply(alpha.negate().add(1)).exp();
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

package org.minpro.objective;

import java.util.Set;
import org.minpro.config.Doc;
import org.minpro.ratio.Ratios;
import org.minpro.tensor.Tensor;

/**
 * Decoupled PPO: the clip is around the policy at the start of the updates, the weight corrects for the one that sampled, {@code l_t =
 * sg(w_t) max(-A_t r_t, -A_t clip(r_t, 1 - clipLow, 1 + clipHigh))} with {@code r_t = pi_theta / pi_prox} and {@code w_t = min(pi_prox / mu,
 * cap)} (Hilton et al., arXiv 2110.00641; AReaL, 2505.24298).
 *
 * <p>Gradient coefficient {@code g_t = w_t A_t r_t 1[not clipped]}. It reads both policies whatever the anchor is. {@link Grpo} anchored at the
 * proximal policy with the correction {@code tis} is the same.
 *
 * @param clipLow half-width of the window below 1
 * @param clipHigh half-width of the window above 1
 * @param cap upper bound of the weight of the proximal policy; .inf for none
 */
@Described(
        family = "clip",
        formula = "sg(min(π_prox/μ, cap)) max(−Aρ, −A clip(ρ)), ρ = π/π_prox",
        source = "arXiv 2110.00641, 2505.24298; AReaL ppo_actor_loss_fn")
public record DecoupledPpo(
        @Doc("Half-width of the window below 1.") double clipLow,

        @Doc("Half-width of the window above 1.") double clipHigh,

        @Doc("Upper bound of the weight of the proximal policy; .inf for none.")
        double cap)
        implements Objective {
    public DecoupledPpo {
        ClippedSurrogate.check(clipLow, clipHigh);
        Rule.cap("cap", cap);
    }

    /** AReaL's 0.2 and its upper bound of 5, which it masks at and this clamps at. */
    public DecoupledPpo() {
        this(0.2, 0.2, 5);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor proximal = inputs.logProbsOf(LogProbStream.PROXIMAL);
        Tensor weight = Ratios.of(proximal, inputs.logProbsOf(LogProbStream.BEHAVIOR), inputs.mask())
                .token()
                .clampMaximum(cap); // [batch, time]
        Tensor ratio =
                Ratios.of(inputs.frozenLogProbs(), proximal, inputs.mask()).token();
        return FirstOrder.times(FirstOrder.clip(inputs, inputs.advantages(), ratio, 1 - clipLow, 1 + clipHigh), weight);
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }

    @Override
    public Set<LogProbStream> streams() {
        return Set.of(LogProbStream.BEHAVIOR, LogProbStream.PROXIMAL);
    }
}

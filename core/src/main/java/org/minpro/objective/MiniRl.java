package org.minpro.objective;

import java.util.Set;
import org.minpro.config.Doc;
import org.minpro.ratio.Ratios;
import org.minpro.tensor.Tensor;

/**
 * MiniRL: {@code l_t = -A_t sg(min(pi_theta / mu, cap) M_t) log pi_theta(y_t)}; M_t is 0 where PPO would clip {@code pi_theta / pi_prox}
 * (arXiv 2512.01374, in the form of Stable-RL's {@code ppo_recompute}).
 *
 * <p>Gradient coefficient {@code g_t = A_t min(pi_theta / mu, cap) M_t}. It reads both policies whatever the anchor is.
 *
 * @param clipLow half-width of the window below 1
 * @param clipHigh half-width of the window above 1
 * @param cap upper bound of the weight, absolute; .inf for none
 */
@Described(
        family = "mask",
        formula = "−sg(min(π/μ, cap) M) A log π, M by π/π_prox",
        source = "arXiv 2512.01374; Stable-RL compute_policy_loss_with_mask")
public record MiniRl(
        @Doc("Half-width of the window below 1.") double clipLow,

        @Doc("Half-width of the window above 1.") double clipHigh,

        @Doc("Upper bound of the weight, absolute; .inf for none.")
        double cap)
        implements Objective {
    public MiniRl {
        ClippedSurrogate.check(clipLow, clipHigh);
        Rule.cap("cap", cap);
    }

    /** PPO's 0.2 / 0.2 and Stable-RL's cap of 10. */
    public MiniRl() {
        this(0.2, 0.2, 10);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor weights = Ratios.of(inputs.frozenLogProbs(), inputs.logProbsOf(LogProbStream.BEHAVIOR), inputs.mask())
                .token()
                .clampMaximum(cap); // [batch, time]
        Tensor ratio = Ratios.of(inputs.frozenLogProbs(), inputs.logProbsOf(LogProbStream.PROXIMAL), inputs.mask())
                .token();
        Tensor positive = inputs.advantages().greater(0);
        Tensor dropped = positive.choose(ratio.greater(1 + clipHigh), ratio.less(1 - clipLow));
        return ConstantWeight.masked(inputs, weights, dropped);
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

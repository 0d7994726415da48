package org.minpro.objective;

import java.util.Map;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * DRPO, divergence regularised policy optimisation: DPPO's trust region as a smooth penalty in place of its mask, {@code l_t = -A_t r_t + |A_t| q_t (r_t
 * - 1)^2 / (2 delta)}, q_t the anchor's probability of the token (arXiv 2606.09821, eq. 8).
 *
 * <p>Gradient coefficient {@code g_t = A_t r_t (1 - sign(A_t) (p_t - q_t) / delta)}, p_t the policy's probability: an update that moves the token
 * further fades and turns round where the probability has moved by more than delta; one that brings it back is strengthened. A delta of 1 or
 * more never turns one round.
 *
 * @param delta the move of a token's probability at which an update that moves it further stops
 */
@Described(
        family = "penalty",
        formula = "−Aρ + |A| q (ρ − 1)² / (2δ)",
        source = "arXiv 2606.09821; Tencent-Hunyuan/UniRL unirl/algorithms/drpo.py")
public record Drpo(
        @Doc("The move of a token's probability at which an update that moves it further stops.")
        double delta) implements Objective {
    public Drpo {
        Rule.positive("delta", delta);
    }

    /** 12.5, the paper's. */
    public Drpo() {
        this(12.5);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor ratio = inputs.ratios().token(); // [batch, time]
        Tensor anchor = inputs.anchorLogProbs().exp();
        Tensor moved = ratio.subtract(1).multiply(anchor); // p - q, with the clamped ratio
        Tensor further = moved.multiply(inputs.advantages().sign()).divide(delta);
        Tensor value = ratio.subtract(ratio.subtract(1).multiply(further).multiply(0.5));
        Tensor slope = ratio.multiply(further.negate().add(1));
        return FirstOrder.of(
                inputs,
                inputs.advantages(),
                value,
                slope,
                Map.of("mask/turned_round", further.greater(1).to(ratio.type())));
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}

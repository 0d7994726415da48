package org.minpro.objective;

import java.util.Map;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * VCPO's loss: capped importance weights of whole responses, {@code l_t = -sg(min(r_1 ... r_T, cap)) A_t pi_theta / sg(pi_theta)} (arXiv 2602.17616).
 *
 * <p>Gradient coefficient {@code g_t = min(r_1 ... r_T, cap) A_t}. The authors average by {@code seq-mean-token-mean}. Their learning rate, scaled by the
 * effective sample size, and their baseline are no part of a loss and are not here.
 *
 * @param cap upper bound of the weight, absolute; .inf for none
 */
@Described(
        family = "weight",
        formula = "−sg(min(ρ₁⋯ρ_T, cap)) A",
        source = "arXiv 2602.17616; mit-han-lab/vcpo recipe/fully_async_policy")
public record Vcpo(
        @Doc("Upper bound of the weight, absolute; .inf for none.")
        double cap) implements Objective {
    public Vcpo {
        Rule.cap("cap", cap);
    }

    /** 8, the authors'. */
    public Vcpo() {
        this(8);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor weights = RowValues.product(inputs, inputs.ratios().logToken()).clampMaximum(cap); // [batch, time]
        return FirstOrder.of(inputs, inputs.advantages(), weights, weights, Map.of());
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}

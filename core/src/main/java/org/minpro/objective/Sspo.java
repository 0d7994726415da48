package org.minpro.objective;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * SSPO: the geometric mean of soft token gates, {@code l_i = -A_i s_i}, {@code s_i = exp(mean_t (1 / tau) arctan(tau log r_t))} (arXiv 2602.19327,
 * later versions).
 *
 * <p>Gradient coefficient {@code g_t = A_i s_i / (1 + (tau log r_t)^2)} under {@code seq-mean-token-mean}, which is required; {@code A_i} is the mean
 * advantage of the row. The paper's scaling of the gate could not be confirmed: this one, of slope 1 at ratio 1, is inferred.
 *
 * @param tau how narrow the gate is, per nat
 */
@Described(
        family = "sequence",
        formula = "−Ā exp(mean (1/τ) arctan(τ log ρ))",
        source = "arXiv 2602.19327; scaling inferred")
public record Sspo(@Doc("How narrow the gate is, per nat.") double tau) implements Objective {
    public Sspo {
        Rule.positive("tau", tau);
    }

    /** 1. */
    public Sspo() {
        this(1);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor d = inputs.ratios().logToken().multiply(tau); // [batch, time]
        Tensor mean = RowValues.mean(inputs, d.arctangent().divide(tau)).exp();
        return FirstOrder.of(
                inputs,
                RowValues.mean(inputs, inputs.advantages()),
                mean,
                mean.divide(d.square().add(1)),
                Map.of());
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }

    @Override
    public @Nullable Aggregation requiredAggregation() {
        return Aggregation.SEQ_MEAN_TOKEN_MEAN;
    }
}

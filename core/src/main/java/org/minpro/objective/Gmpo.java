package org.minpro.objective;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * GMPO: the geometric mean of the ratios of a row, each clipped by the sign of its advantage (arXiv 2507.20673).
 *
 * <p>With {@code d_t = log r_t}, {@code d'_t = min(d_t, clip)} where {@code A_t > 0} and {@code max(d_t, -clip)} where {@code A_t < 0}:
 * {@code l_i = -A_i exp(mean_t d'_t)}, {@code A_i} the mean advantage of the row. Gradient coefficient {@code g_t = A_i exp(mean_t d'_t)
 * 1[not clipped]} under {@code seq-mean-token-mean}, which is required: a clipped token loses its own gradient and still scales the
 * others'. A token of advantage 0 is not clipped (inferred; verl gives it the ratio 1).
 *
 * @param clip half-width of the window of the log ratio, nats
 */
@Described(
        family = "sequence",
        formula = "−Ā exp(mean clip(log ρ))",
        source = "arXiv 2507.20673; verl core_algos.compute_policy_loss_geo_mean")
public record Gmpo(
        @Doc("Half-width of the window of the log ratio, nats.")
        double clip) implements Objective {
    public Gmpo {
        Rule.notNegative("clip", clip);
    }

    /** 0.4, that is ratios of 0.67 to 1.49. */
    public Gmpo() {
        this(0.4);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor advantages = inputs.advantages();
        Tensor d = inputs.ratios().logToken(); // [batch, time]
        Tensor positive = advantages.greater(0);
        Tensor negative = advantages.less(0);
        Tensor bounded = positive.choose(d.clampMaximum(clip), negative.choose(d.clampMinimum(-clip), d));
        Tensor clipped = bounded.notEqual(d);
        Tensor mean = RowValues.mean(inputs, bounded).exp();
        return FirstOrder.of(
                inputs,
                RowValues.mean(inputs, advantages),
                mean,
                mean.maskedFill(clipped, 0),
                Map.of("clip_ratio/region_mean", clipped.to(d.type())));
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

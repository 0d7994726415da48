package org.minpro.objective;

import java.util.Locale;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * TOPR, tapered off-policy REINFORCE: {@code l_t = -A_t log pi_theta(y_t)} where {@code A_t > 0}, {@code -sg(clip(r, 0, 1)) A_t log
 * pi_theta(y_t)} elsewhere (arXiv 2503.14286).
 *
 * <p>Gradient coefficient {@code g_t = A_t} or {@code clip(r, 0, 1) A_t}. The paper's r is the ratio of the trajectory; ROLL's is the token's.
 * Both go by the sign of the reward; here it is that of the advantage, since an objective sees no rewards (inferred).
 *
 * @param form the ratio of a bad token: that of the whole response (trajectory, the paper's) or its own (token, ROLL's)
 */
@Described(
        family = "weight",
        formula = "−A log π; for A ≤ 0 −sg(clip(ρ, 0, 1)) A log π",
        source = "arXiv 2503.14286; ROLL actor_pg_worker, variant topr")
public record Topr(
        @Doc(
                "The ratio of a bad token: that of the whole response (trajectory, the paper's) or its own (token, ROLL's).")
        Form form)
        implements Objective {
    /** What a ratio is of. */
    public enum Form {
        /** Each token by itself. */
        TOKEN,
        /** The whole response: the product of its tokens' ratios. */
        TRAJECTORY;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** The paper's trajectory. */
    public Topr() {
        this(Form.TRAJECTORY);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor d = inputs.ratios().logToken(); // [batch, time]
        Tensor ratio = form == Form.TOKEN ? d.exp() : RowValues.product(inputs, d);
        Tensor one = d.multiply(0).add(1);
        return ConstantWeight.of(inputs, inputs.advantages().greater(0).choose(one, ratio.clampMaximum(1)));
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}

package org.minpro.objective;

import org.minpro.config.Doc;
import org.minpro.ratio.Ratios;
import org.minpro.tensor.Tensor;

/**
 * VESPO: a smooth weight of the ratio of the whole sequence, {@code l_t = -sg(phi(W)) A_t log pi_theta(y_t)}, {@code phi(W) = W^k exp(lambda (1 -
 * W))}, {@code W = r_1 ... r_T} (arXiv 2602.10693).
 *
 * <p>Gradient coefficient {@code g_t = phi(W) A_t}; phi is 1 at W = 1 and largest at k / lambda. {@code log W} is clamped to [log 1e-8, 20] as in TRL. k
 * and lambda go by the sign of each token's advantage; the authors' code reads that of the first token.
 *
 * @param kPositive the exponent of W where the advantage is not negative
 * @param lambdaPositive the decay of W where the advantage is not negative
 * @param kNegative the exponent of W where the advantage is negative
 * @param lambdaNegative the decay of W where the advantage is negative
 */
@Described(
        family = "weight",
        formula = "−sg(exp(λ) Wᵏ exp(−λW)) A log π",
        source = "arXiv 2602.10693; TRL get_gamma_weights, FloyedShen/VESPO")
public record Vespo(
        @Doc("The exponent of W where the advantage is not negative.")
        double kPositive,

        @Doc("The decay of W where the advantage is not negative.")
        double lambdaPositive,

        @Doc("The exponent of W where the advantage is negative.")
        double kNegative,

        @Doc("The decay of W where the advantage is negative.")
        double lambdaNegative)
        implements Objective {
    public Vespo {
        Rule.notNegative("k-positive", kPositive);
        Rule.positive("lambda-positive", lambdaPositive);
        Rule.notNegative("k-negative", kNegative);
        Rule.positive("lambda-negative", lambdaNegative);
    }

    /** (2, 3) and (3, 2), the paper's. */
    public Vespo() {
        this(2, 3, 3, 2);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor log = RowValues.sum(inputs, inputs.ratios().logToken())
                .clamp(Math.log(1e-8), Ratios.LOG_LIMIT); // [batch, time]
        Tensor negative = inputs.advantages().less(0);
        return ConstantWeight.of(
                inputs, negative.choose(phi(log, kNegative, lambdaNegative), phi(log, kPositive, lambdaPositive)));
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }

    private static Tensor phi(Tensor log, double k, double lambda) {
        return log.multiply(k).add(log.exp().negate().add(1).multiply(lambda)).exp();
    }
}

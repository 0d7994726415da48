package org.minpro.objective;

import java.util.Map;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * SAPO: a soft gate in place of the clip, {@code l_t = -A_t (4 / tau) sigmoid(tau (r_t - 1))}, tau by the sign of the advantage
 * (arXiv 2511.20347).
 *
 * <p>Gradient coefficient {@code g_t = A_t 4 p (1 - p) r_t}, {@code p = sigmoid(tau (r_t - 1))}: it is {@code A_t} at ratio 1 and fades on
 * both sides. verl and TRL average by {@code seq-mean-token-mean}.
 *
 * @param tauPositive steepness of the gate where the advantage is positive
 * @param tauNegative steepness of the gate where the advantage is negative
 */
@Described(family = "gate", formula = "−A (4/τ) σ(τ(ρ − 1))", source = "arXiv 2511.20347; verl and TRL, loss type sapo")
public record Sapo(
        @Doc("Steepness of the gate where the advantage is positive.")
        double tauPositive,

        @Doc("Steepness of the gate where the advantage is negative.")
        double tauNegative)
        implements Objective {
    public Sapo {
        Rule.positive("tau-positive", tauPositive);
        Rule.positive("tau-negative", tauNegative);
    }

    /** 1 and 1.05, the paper's. */
    public Sapo() {
        this(1, 1.05);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor ratio = inputs.ratios().token(); // [batch, time]
        Tensor positive = inputs.advantages().greater(0);
        return FirstOrder.of(
                inputs,
                inputs.advantages(),
                positive.choose(value(ratio, tauPositive), value(ratio, tauNegative)),
                positive.choose(slope(ratio, tauPositive), slope(ratio, tauNegative)),
                Map.of());
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }

    private static Tensor value(Tensor ratio, double tau) {
        return ratio.subtract(1).multiply(tau).sigmoid().multiply(4 / tau);
    }

    /** sigmoid(-x) in place of 1 - sigmoid(x), which float32 could not tell from 0 for a large ratio. */
    private static Tensor slope(Tensor ratio, double tau) {
        Tensor x = ratio.subtract(1).multiply(tau);
        return x.sigmoid().multiply(x.negate().sigmoid()).multiply(ratio).multiply(4);
    }
}

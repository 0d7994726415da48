package org.minpro.objective;

import java.util.Map;
import java.util.Set;
import org.minpro.config.Doc;

/**
 * An entropy bonus: {@code -coefficient * H_t} with {@code H_t = -sum_v p_v log p_v}, nats, of the current policy's
 * distribution of the token (Williams and Peng 1991; A3C, arXiv 1602.01783).
 *
 * <p>Its gradient does not go through {@code log pi_theta(y_t)} but through all logits of the token: {@code dH/dz_v = -p_v
 * (log p_v + H) / temperature}.
 *
 * @param coefficient what the entropy is multiplied by
 */
public record EntropyBonus(
        @Doc("What the entropy is multiplied by.") double coefficient) implements Penalty {
    public EntropyBonus {
        Rule.notNegative("coefficient", coefficient);
    }

    /** 0.001, the coefficient of many recipes with verl. */
    public EntropyBonus() {
        this(1e-3);
    }

    @Override
    public Losses compute(ObjectiveInputs inputs) {
        return new Losses(inputs.statistic(Statistic.LIVE_ENTROPY).multiply(-coefficient), Map.of());
    }

    @Override
    public Set<Statistic> statistics() {
        return Set.of(Statistic.LIVE_ENTROPY);
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return coefficient == 0;
    }
}

package com.example;

import java.util.Map;
import org.minpro.config.Doc;
import org.minpro.objective.Objective;
import org.minpro.objective.ObjectiveInputs;
import org.minpro.objective.ObjectiveResult;
import org.minpro.tensor.Tensor;

/**
 * An objective of one's own: weights that fade with the distance from the policy that sampled.
 *
 * <p>{@code recipe.with("objective", new Fading(1))} trains with it;
 * {@code ./minpro objectives com.example.Fading --class-path examples/target/classes --check} checks it.
 *
 * @param strength how fast a weight fades, per nat
 */
public record Fading(
        @Doc("How fast a weight fades, per nat, >= 0.") double strength) implements Objective {
    public Fading {
        if (!(strength >= 0 && Double.isFinite(strength))) {
            throw new IllegalArgumentException("strength must be >= 0 and finite, got: " + strength);
        }
    }

    /** The defaults. */
    public Fading() {
        this(1);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor weights = inputs.ratios().logToken().abs().multiply(-strength).exp(); // [batch, time]
        Tensor losses = weights.multiply(inputs.advantages())
                .multiply(inputs.logProbs())
                .negate();
        return new ObjectiveResult(losses, weights, Map.of(), Map.of());
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}

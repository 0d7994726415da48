package org.minpro.recipe;

import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.train.EntropyTarget;

/**
 * A bonus for the entropy of the policy.
 *
 * @param coefficient what the entropy is multiplied by; with a target, what that begins with
 * @param target of the mean entropy, or null for a coefficient that stays
 * @param targetStep by which the coefficient moves after an update
 */
public record EntropySection(
        @Doc(
                "What the entropy of every token is multiplied by before it is taken from the loss, >= 0; with a target, what"
                        + " that begins with.")
        double coefficient,

        @Doc("Mean entropy per token that the coefficient follows, nats, > 0: it goes up after an update below it, else"
                + " down, and acts only below it; null for a coefficient that stays.")
        @Nullable Double target,

        @Doc("With a target, by how much the coefficient moves after an update, > 0.")
        double targetStep) {
    public EntropySection {
        Rule.check(coefficient >= 0 && Double.isFinite(coefficient), "coefficient", ">= 0 and finite", coefficient);
        Rule.check(
                target == null || (target > 0 && Double.isFinite(target)),
                "target",
                "> 0 and finite, or null",
                String.valueOf(target));
        Rule.check(targetStep > 0 && Double.isFinite(targetStep), "target-step", "> 0 and finite", targetStep);
    }

    /** None; with a target Skywork-OR1's step of 0.005. */
    public EntropySection() {
        this(0, null, 0.005);
    }

    /** Whether a bonus of one coefficient is a part of the loss. */
    public boolean inLoss() {
        return coefficient > 0 && target == null;
    }

    /** What the coefficient follows, or null where it stays. */
    public @Nullable EntropyTarget follows() {
        return target == null ? null : new EntropyTarget(target, targetStep);
    }
}

package org.minpro.train;

import org.minpro.config.Doc;
import org.minpro.config.Rule;

/** AdamW, its learning rate over the run, and gradient clipping. */
public record OptimizerSettings(
        @Doc("Peak learning rate, > 0.") double learningRate,

        @Doc("Updates over which the learning rate rises linearly to its peak.")
        int warmupUpdates,

        @Doc("What the learning rate does after that: stays, or falls to 0 at the last update.")
        LearningRateSchedule schedule,

        @Doc("Decay of the mean gradient, [0, 1).") double beta1,
        @Doc("Decay of the mean squared gradient, [0, 1).") double beta2,
        @Doc("Added to the root of the latter, > 0.") double epsilon,
        @Doc("Decoupled decay of matrices, >= 0.") double weightDecay,

        @Doc("A gradient with a larger norm is scaled down to it; 0 does not clip.")
        double gradientClipNorm) {
    public OptimizerSettings {
        Rule.check(learningRate > 0 && Double.isFinite(learningRate), "learning-rate", "> 0", learningRate);
        Rule.notNegative("warmup-updates", warmupUpdates);
        Rule.check(beta1 >= 0 && beta1 < 1, "beta1", "in [0, 1)", beta1);
        Rule.check(beta2 >= 0 && beta2 < 1, "beta2", "in [0, 1)", beta2);
        Rule.check(epsilon > 0 && Double.isFinite(epsilon), "epsilon", "> 0", epsilon);
        Rule.check(weightDecay >= 0 && Double.isFinite(weightDecay), "weight-decay", ">= 0", weightDecay);
        Rule.check(
                gradientClipNorm >= 0 && Double.isFinite(gradientClipNorm),
                "gradient-clip-norm",
                ">= 0 (0 does not clip)",
                gradientClipNorm);
    }

    public OptimizerSettings() {
        this(4e-5, 20, LearningRateSchedule.CONSTANT);
    }

    /** The usual AdamW with that learning rate. */
    public OptimizerSettings(double learningRate, int warmupUpdates, LearningRateSchedule schedule) {
        this(learningRate, warmupUpdates, schedule, 0.9, 0.999, 1e-8, 0, 1);
    }

    /**
     * The learning rate of an update: {@code learningRate (u + 1) / warmupUpdates} in the warm-up, then the schedule's share of
     * it.
     *
     * @param update its ordinal u, from 0
     * @param updates those of the whole run
     */
    public double learningRateAt(long update, long updates) {
        if (update < warmupUpdates) {
            return learningRate * (update + 1) / warmupUpdates;
        }
        long rest = Math.max(1, updates - warmupUpdates);
        return learningRate * schedule.share(Math.min(1, (double) (update - warmupUpdates) / rest));
    }
}

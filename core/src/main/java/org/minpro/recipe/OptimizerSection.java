package org.minpro.recipe;

import org.minpro.config.Doc;
import org.minpro.train.AdamW;
import org.minpro.train.LearningRateSchedule;

/** AdamW, its learning rate over the run, and gradient clipping. */
public record OptimizerSection(
        @Doc("Peak learning rate, > 0.") double learningRate,

        @Doc("Updates over which the learning rate rises linearly to its peak.")
        int warmupUpdates,

        @Doc("What the learning rate does after that: stays, or falls to 0 at the last update.")
        LearningRateSchedule.Decay schedule,

        @Doc("Decay of the mean gradient, [0, 1).") double beta1,
        @Doc("Decay of the mean squared gradient, [0, 1).") double beta2,
        @Doc("Added to the root of the latter, > 0.") double epsilon,
        @Doc("Decoupled decay of matrices, >= 0.") double weightDecay,

        @Doc("A gradient with a larger norm is scaled down to it; 0 does not clip.")
        double gradientClipNorm) {
    public OptimizerSection {
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

    public OptimizerSection() {
        this(4e-5, 20, LearningRateSchedule.Decay.CONSTANT, 0.9, 0.999, 1e-8, 0, 1);
    }

    public OptimizerSection(double learningRate) {
        this(learningRate, 0, LearningRateSchedule.Decay.CONSTANT, 0.9, 0.999, 1e-8, 0, 1);
    }

    public AdamW.Settings adamW() {
        return new AdamW.Settings(beta1, beta2, epsilon, weightDecay);
    }

    public LearningRateSchedule learningRateSchedule() {
        return new LearningRateSchedule(learningRate, warmupUpdates, schedule);
    }
}

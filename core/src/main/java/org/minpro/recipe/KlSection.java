package org.minpro.recipe;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.objective.KlPenalty;

/**
 * A distance from a frozen reference model that the policy is kept near.
 *
 * @param coefficient what the distance is multiplied by; 0 for none
 * @param estimator how it is estimated from a token
 * @param where it is added to the loss, or taken from the reward
 * @param reference {@value #START}, {@value #AVERAGE}, or a Hugging Face folder
 * @param averageDecay share of the average that an iteration keeps
 */
public record KlSection(
        @Doc("What the distance from the reference model is multiplied by, >= 0; 0 for none.")
        double coefficient,

        @Doc("How the distance is estimated from a token: k1, k2, k3 or low-variance; see docs/objectives.md.")
        KlPenalty.Estimator estimator,

        @Doc("loss: the policy's distance is added to the loss of every token. reward: the sum over a response of the"
                + " distance of the policy that sampled is taken from the reward.")
        Where where,

        @Doc("The reference model: start for the model that the run starts from, average for a running mean of the"
                + " weights, or a Hugging Face folder with the same vocabulary.")
        String reference,

        @Doc(
                "With reference average, the share of the mean that an iteration with updates keeps, [0, 1): mean = decay *"
                        + " mean + (1 - decay) * weights.")
        double averageDecay) {
    /** The reference that is the model which the run starts from. */
    public static final String START = "start";

    /** The reference that is a running mean of the weights. */
    public static final String AVERAGE = "average";

    /** What the distance is a part of. */
    public enum Where {
        LOSS,
        REWARD;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public KlSection {
        Rule.check(coefficient >= 0 && Double.isFinite(coefficient), "coefficient", ">= 0 and finite", coefficient);
        Rule.check(!reference.isBlank(), "reference", "start, average or a folder", "'" + reference + "'");
        Rule.check(averageDecay >= 0 && averageDecay < 1, "average-decay", "in [0, 1)", averageDecay);
    }

    /** None; k3 in the loss against the start, where only a coefficient is given; a mean over about ten iterations. */
    public KlSection() {
        this(0, KlPenalty.Estimator.K3, Where.LOSS, START, 0.9);
    }

    /** Whether it is a part of the loss. */
    public boolean inLoss() {
        return coefficient > 0 && where == Where.LOSS;
    }

    /** Whether it is a part of the reward. */
    public boolean inReward() {
        return coefficient > 0 && where == Where.REWARD;
    }

    /** Whether the reference is a folder of its own. */
    public boolean isFolder() {
        return !reference.equals(START) && !reference.equals(AVERAGE);
    }

    /** The same with the folder's whole path, so that a run can be continued from anywhere. */
    public KlSection located() {
        Path folder = isFolder() ? Path.of(reference) : null;
        return folder == null || !Files.isDirectory(folder)
                ? this
                : new KlSection(
                        coefficient,
                        estimator,
                        where,
                        folder.toAbsolutePath().normalize().toString(),
                        averageDecay);
    }
}

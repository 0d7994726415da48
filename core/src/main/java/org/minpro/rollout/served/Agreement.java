package org.minpro.rollout.served;

import java.util.Locale;

/**
 * How far a server's log-probabilities are from the trainer's.
 *
 * @param max largest difference, nats; NaN where one is no number
 * @param mean difference, nats
 * @param tokens compared
 */
record Agreement(double max, double mean, int tokens) {
    static Agreement of(double[] server, double[] trainer) {
        double max = 0;
        double sum = 0;
        for (int t = 0; t < trainer.length; t++) {
            double difference = Math.abs(server[t] - trainer[t]);
            // Math.max passes a NaN on.
            max = Math.max(max, difference);
            sum += difference;
        }
        return new Agreement(max, sum / trainer.length, trainer.length);
    }

    /** Whether the largest difference is at most {@code bound} and the mean at most a fifth of it. */
    boolean within(double bound) {
        return max <= bound && mean <= bound / 5;
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "log-probabilities of %d tokens differ by at most %.2g, %.2g in the mean",
                tokens,
                max,
                mean);
    }
}

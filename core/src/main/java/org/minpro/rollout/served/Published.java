package org.minpro.rollout.served;

import java.nio.file.Path;

/**
 * Weights that servers are to sample from.
 *
 * @param number of updates in them
 * @param label that the servers give their tokens
 * @param adapter whether they are an adapter, beside the model that the servers were started from
 * @param folder that they are loaded from
 * @param probe ids that are scored to see whether a server computes with them
 * @param logProbs of the probe's ids from the second on, by the trainer, at temperature 1, nats
 */
record Published(long number, String label, boolean adapter, Path folder, int[] probe, double[] logProbs) {
    @Override
    public boolean equals(Object other) {
        return other instanceof Published published && label.equals(published.label);
    }

    @Override
    public int hashCode() {
        return label.hashCode();
    }
}

package org.minpro.objective;

import org.minpro.ratio.RatioStatistics;

/** An {@link Objective} whose method sets the step too, beside the loss: the learning rate follows how far an update is off policy. */
public interface RateScaling {
    /**
     * What the learning rate of an update is multiplied by, (0, 1].
     *
     * @param ratios of the policy before the update to the one that sampled its rows
     */
    double rateFactor(RatioStatistics ratios);
}

package org.minpro.objective;

/** How far the loss of one token depends on other tokens. */
public enum Reach {
    /** On its own row alone: the trainer evaluates micro-batch by micro-batch in one pass. */
    ROW,
    /** On all rows of the update: the trainer collects their log-probabilities in a pass without gradients first. */
    BATCH
}

package org.minpro.recipe;

import org.minpro.config.Doc;
import org.minpro.config.Rule;

/** When the run is saved so that it can go on. */
public record CheckpointSection(
        @Doc("A checkpoint every so many iterations, or updates of sft; 0 only at the end and on Ctrl-C.")
        int every,

        @Doc("The newest so many are kept, >= 1.") int keep) {
    public CheckpointSection {
        Rule.notNegative("every", every);
        Rule.positive("keep", keep);
    }

    /** Whether a checkpoint is due after so many iterations, or updates of a supervised run. */
    public boolean isDue(long done) {
        return every > 0 && done % every == 0;
    }

    public CheckpointSection() {
        this(10, 2);
    }
}

package org.minpro.experience;

import java.util.Arrays;
import java.util.Optional;
import org.minpro.data.Problem;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;

/** Every finished and scored rollout of a run; a resumed run reads it and generates nothing twice. */
public interface Journal {
    /** A rollout and what its reward said. */
    record Entry(Rollout rollout, Score score) {
        /**
         * @param promptIds the prompt that is asked now
         * @throws IllegalStateException if the response answers another
         */
        public void requirePrompt(int[] promptIds) {
            if (!Arrays.equals(rollout.promptIds(), promptIds)) {
                throw new IllegalStateException(
                        "the journal must have responses to the prompts that are asked, got: one to"
                                + " another prompt for draw " + rollout.draw()
                                + "; seed, model, data or prompts have changed since"
                                + " it was written: change them back, or start a new run");
            }
        }
    }

    Optional<Entry> find(long draw, int sample);

    /** Records a rollout; called from any thread, before the trainer sees it. */
    void append(long iteration, Problem problem, Rollout rollout, Score score);

    /** A journal that forgets everything, for runs that are not to be continued. */
    static Journal none() {
        return new Journal() {
            @Override
            public Optional<Entry> find(long draw, int sample) {
                return Optional.empty();
            }

            @Override
            public void append(long iteration, Problem problem, Rollout rollout, Score score) {}
        };
    }
}

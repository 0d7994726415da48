package org.minpro.run;

import org.minpro.data.Dataset;
import org.minpro.experience.RewardFailure;
import org.minpro.rollout.Rollout;
import org.minpro.train.UpdateListener;

/** Told how a run goes; the console is one, a program may be another. */
public interface RunListener extends UpdateListener {
    /**
     * The data is being read, before the first iteration; told now and then where the files are large.
     *
     * @param done bytes or problems, see {@link Dataset.Pass}
     * @param all of them
     */
    default void dataRead(Dataset.Pass pass, long done, long all) {}

    /** A response of this iteration has ended and is journaled; from any thread. */
    default void rolloutFinished(Rollout rollout) {}

    @Override
    default void updateFinished(int update, int updates) {}

    /** An iteration has ended and is recorded. */
    default void iterationFinished(IterationReport report) {}

    /**
     * A reward threw, returned null or took longer than its budget; told of each such response, one at a time, from any
     * thread.
     */
    default void rewardFailed(RewardFailure failure) {}

    /** Something that a person should read, in one line. */
    default void notice(String line) {}
}

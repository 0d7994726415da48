package org.minpro.run;

import java.util.List;
import org.minpro.experience.ScoredGroup;

/**
 * What happened in an iteration.
 *
 * @param iteration ordinal, from 0
 * @param metrics its numbers
 * @param fresh the groups whose rewards its metrics report ({@link org.minpro.experience.Batch})
 * @param samplingSeconds duration of the rollout phase
 * @param waitedSeconds that the learner waited for it: the same where sampling and learning take turns
 * @param trainingSeconds duration of everything else
 * @param sampledTokens response tokens generated in it, those of groups put aside included; not what the journal had
 * @param trainedTokens response tokens trained on
 */
public record IterationReport(
        long iteration,
        IterationMetrics metrics,
        List<ScoredGroup> fresh,
        double samplingSeconds,
        double waitedSeconds,
        double trainingSeconds,
        long sampledTokens,
        long trainedTokens) {}

package org.minpro.experience;

import java.util.List;

/**
 * What a source gives at one iteration.
 *
 * @param iteration ordinal, from 0
 * @param fresh the groups whose rewards are reported with it: those sampled in it or, where an iteration samples no batch of
 *     its own, those that are due
 * @param due the groups to train on now, sampled by this version or an older one; empty as long as none is due
 * @param promptsSkipped draws left out in it because their prompts were too long
 * @param groupsResampled groups put aside in it because all their rewards were equal
 * @param sampledTokens response tokens generated in it, those of groups put aside included; not what the journal had
 * @param seconds that its sampling took
 * @param waitedSeconds that was waited for it: the same where sampling and learning take turns
 */
public record Batch(
        long iteration,
        List<ScoredGroup> fresh,
        List<ScoredGroup> due,
        int promptsSkipped,
        int groupsResampled,
        long sampledTokens,
        double seconds,
        double waitedSeconds) {}

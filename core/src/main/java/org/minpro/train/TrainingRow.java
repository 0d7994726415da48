package org.minpro.train;

import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import org.minpro.objective.LogProbStream;
import org.minpro.rollout.Rollout;

/**
 * One row of an update: a prompt and its response, with what is known of every response token.
 *
 * <p>The arrays belong to the row: nobody changes them.
 *
 * @param group ordinal of the row's group; rows of a group share their prompt
 * @param sample ordinal of the response in its group
 * @param promptIds token ids of the prompt
 * @param responseIds token ids of the response, {@code [time]}
 * @param mask which response tokens count, {@code [time]}; none where the row is undecided
 * @param logProbs log-probabilities of the response tokens by the policy that they are of, {@code [time]} each, nats;
 *     {@link LogProbStream#BEHAVIOR} is always there
 * @param versions version that sampled each token, {@code [time]}
 * @param advantages A_t, {@code [time]}; with a reward for the outcome the same number on all tokens
 */
public record TrainingRow(
        long group,
        int sample,
        int[] promptIds,
        int[] responseIds,
        boolean[] mask,
        Map<LogProbStream, float[]> logProbs,
        long[] versions,
        double[] advantages) {

    public TrainingRow {
        int time = responseIds.length;
        if (mask.length != time || versions.length != time || advantages.length != time) {
            throw new IllegalArgumentException("a row's arrays must have one entry per response token, got: " + time
                    + " ids, " + mask.length + " mask, " + versions.length + " versions, " + advantages.length
                    + " advantages");
        }
        Map<LogProbStream, float[]> streams = new EnumMap<>(LogProbStream.class);
        streams.putAll(logProbs);
        if (!streams.containsKey(LogProbStream.BEHAVIOR)) {
            throw new IllegalArgumentException("logProbs must have those of behavior, got: " + streams.keySet());
        }
        streams.forEach((stream, values) -> {
            if (values.length != time) {
                throw new IllegalArgumentException("logProbs of " + stream + " must have one entry per response token, "
                        + time + ", got: " + values.length);
            }
        });
        logProbs = Collections.unmodifiableMap(streams);
    }

    /** The first row of its group. */
    public TrainingRow(
            long group,
            int[] promptIds,
            int[] responseIds,
            boolean[] mask,
            Map<LogProbStream, float[]> logProbs,
            long[] versions,
            double[] advantages) {
        this(group, 0, promptIds, responseIds, mask, logProbs, versions, advantages);
    }

    /** The row of a rollout with an advantage for each of its tokens. */
    public static TrainingRow of(Rollout rollout, double[] advantages) {
        return of(rollout, rollout.responseMask(), advantages);
    }

    /** The row of a rollout with one advantage on all its tokens. */
    public static TrainingRow of(Rollout rollout, double advantage) {
        double[] advantages = new double[rollout.length()];
        Arrays.fill(advantages, advantage);
        return of(rollout, advantages);
    }

    /** The row of a rollout that is not learnt from, because its reward is undecided or it was cut off: no token counts. */
    public static TrainingRow leftOut(Rollout rollout) {
        return of(rollout, new boolean[rollout.length()], new double[rollout.length()]);
    }

    private static TrainingRow of(Rollout rollout, boolean[] mask, double[] advantages) {
        return new TrainingRow(
                rollout.draw(),
                rollout.sample(),
                rollout.promptIds(),
                rollout.responseIds(),
                mask,
                Map.of(LogProbStream.BEHAVIOR, rollout.behaviorLogProbs()),
                rollout.versions(),
                advantages);
    }

    /** The row of a demonstration that is learnt as a whole. */
    public static TrainingRow demonstration(long ordinal, int[] promptIds, int[] completionIds) {
        boolean[] mask = new boolean[completionIds.length];
        Arrays.fill(mask, true);
        return demonstration(ordinal, promptIds, completionIds, mask);
    }

    /**
     * The row of a demonstration. Whoever wrote it gave each of its tokens with certainty, so log mu is 0; every
     * advantage is 1.
     *
     * @param ordinal of the demonstration, a group of its own
     * @param mask which completion tokens are learnt
     */
    public static TrainingRow demonstration(long ordinal, int[] promptIds, int[] completionIds, boolean[] mask) {
        int time = completionIds.length;
        double[] advantages = new double[time];
        Arrays.fill(advantages, 1);
        return new TrainingRow(
                ordinal,
                promptIds,
                completionIds,
                mask,
                Map.of(LogProbStream.BEHAVIOR, new float[time]),
                new long[time],
                advantages);
    }

    /** Tokens of the response. */
    public int length() {
        return responseIds.length;
    }

    /**
     * The log-probabilities of one policy, {@code [time]}, nats.
     *
     * @throws IllegalStateException if the row has none of that policy
     */
    public float[] logProbs(LogProbStream stream) {
        float[] values = logProbs.get(stream);
        if (values == null) {
            throw new IllegalStateException(
                    "the row must have log-probabilities of " + stream + ", got: those of " + logProbs.keySet());
        }
        return values;
    }

    /** The same row with the log-probabilities of one policy, in place of what it had of it. */
    public TrainingRow with(LogProbStream stream, float[] values) {
        Map<LogProbStream, float[]> streams = new EnumMap<>(LogProbStream.class);
        streams.putAll(logProbs);
        streams.put(stream, values);
        return new TrainingRow(group, sample, promptIds, responseIds, mask, streams, versions, advantages);
    }
}

package org.minpro.rollout.served;

import java.util.Arrays;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutRequest;

/**
 * A response under way: turns that servers generated, each by a request of its own, and what was said between them. A server is
 * asked for the next turn with all ids so far as its prompt.
 */
final class GrowingResponse {
    private final RolloutRequest request;
    private final int sample;
    private final int[] ids;
    private final boolean[] mask;
    private final float[] logProbs;
    private final long[] versions;
    private int length;
    private boolean asRequested = true;

    /**
     * A turn that was checked.
     *
     * @param ids of its tokens, {@code [time]}
     * @param logProbs of the tokens, {@code [time]}, nats
     * @param versions that sampled them, {@code [time]}
     * @param requested the version that the server held when it was asked
     * @param finish why the turn ended
     */
    record Turn(int[] ids, float[] logProbs, long[] versions, long requested, Rollout.Finish finish) {}

    /** @param most tokens of all turns together, and of what is said between them */
    GrowingResponse(RolloutRequest request, int sample, int most) {
        this.request = request;
        this.sample = sample;
        this.ids = new int[most];
        this.mask = new boolean[most];
        this.logProbs = new float[most];
        this.versions = new long[most];
    }

    RolloutRequest request() {
        return request;
    }

    int sample() {
        return sample;
    }

    /** Tokens so far. */
    int length() {
        return length;
    }

    /** Tokens that it may still have. */
    int room() {
        return ids.length - length;
    }

    /** What was generated and said so far. */
    int[] ids() {
        return Arrays.copyOf(ids, length);
    }

    /** What a server goes on from. */
    int[] prompt() {
        int[] prompt = Arrays.copyOf(request.promptIds(), request.promptIds().length + length);
        System.arraycopy(ids, 0, prompt, request.promptIds().length, length);
        return prompt;
    }

    void generated(Turn turn) {
        int time = turn.ids().length;
        System.arraycopy(turn.ids(), 0, ids, length, time);
        System.arraycopy(turn.logProbs(), 0, logProbs, length, time);
        System.arraycopy(turn.versions(), 0, versions, length, time);
        Arrays.fill(mask, length, length + time, true);
        asRequested &= Arrays.stream(turn.versions()).allMatch(number -> number == turn.requested());
        length += time;
    }

    /** Adds ids that the policy did not write, as many as there is room for; they carry the version of the turn before. */
    void said(int[] given) {
        int count = Math.min(given.length, room());
        System.arraycopy(given, 0, ids, length, count);
        Arrays.fill(versions, length, length + count, versions[length - 1]);
        length += count;
    }

    /**
     * Whether one version sampled all of it. A turn that waited on the server while weights changed may have gone on from a cached
     * prompt of the old ones, so each must be of the version that its request was sent to.
     */
    boolean isOfOneVersion() {
        return asRequested && Arrays.stream(versions, 0, length).distinct().count() <= 1;
    }

    Rollout rollout(Rollout.Finish finish, String text) {
        return new Rollout(
                request.draw(),
                sample,
                request.promptIds(),
                ids(),
                Arrays.copyOf(mask, length),
                Arrays.copyOf(logProbs, length),
                new float[length],
                Arrays.copyOf(versions, length),
                finish,
                text);
    }
}

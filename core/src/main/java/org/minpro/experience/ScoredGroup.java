package org.minpro.experience;

import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.minpro.advantage.Response;
import org.minpro.data.Problem;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;

/**
 * The responses to one problem with their scores.
 *
 * @param draw ordinal of the group in the run
 * @param problem what was asked
 * @param rollouts the responses, in the order of their samples
 * @param scores one for each response
 * @param greedy score of a greedy response beside them; null where none was asked for
 */
public record ScoredGroup(
        long draw,
        Problem problem,
        List<Rollout> rollouts,
        List<Score> scores,
        @Nullable Score greedy) {
    public ScoredGroup {
        rollouts = List.copyOf(rollouts);
        scores = List.copyOf(scores);
        if (rollouts.size() != scores.size()) {
            throw new IllegalArgumentException("a group must have one score for each rollout, got: " + rollouts.size()
                    + " rollouts and " + scores.size() + " scores");
        }
    }

    /** A group without a greedy response. */
    public ScoredGroup(long draw, Problem problem, List<Rollout> rollouts, List<Score> scores) {
        this(draw, problem, rollouts, scores, null);
    }

    /** The same group with the score of a greedy response beside it. */
    public ScoredGroup withGreedy(Score score) {
        return new ScoredGroup(draw, problem, rollouts, scores, score);
    }

    /** The same group with other scores, one a response. */
    public ScoredGroup withScores(List<Score> others) {
        return new ScoredGroup(draw, problem, rollouts, others, greedy);
    }

    /** The responses as an estimator of advantages sees them. */
    public List<Response> responses() {
        return IntStream.range(0, rollouts.size())
                .mapToObj(i -> new Response(scores.get(i), rollouts.get(i).responseMask(), greedy))
                .toList();
    }

    /** Tokens of all responses. */
    public long responseTokens() {
        return rollouts.stream().mapToLong(Rollout::length).sum();
    }
}

package org.minpro.advantage;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.minpro.reward.Score;

/**
 * An estimator of the advantages of an iteration's responses from their rewards.
 *
 * <p>An implementation is a record whose components are its parameters, with a constructor without arguments that holds
 * their defaults. It may be called from several threads at once. One that looks at the scores of one group alone implements
 * {@link GroupAdvantage}, which is simpler.
 */
public interface Advantage {
    /**
     * The advantage of each token of each response.
     *
     * @param groups the decided responses to each prompt that are trained on together; a group may have one, or none
     * @return in the same order, {@code [time]} each; what stands at masked tokens does not matter as long as it is finite
     */
    List<List<double[]>> perToken(List<List<Response>> groups);

    /**
     * Whether a group's rewards tell its responses apart: at least two are decided, and two of those differ. A group that has
     * no such difference may be drawn again.
     */
    default boolean tellsApart(List<Score> group) {
        return differ(decided(group).mapToDouble(Score::value));
    }

    /** Whether it reads {@link Response#greedy}: a greedy response is then sampled beside each group, and not trained on. */
    default boolean readsGreedy() {
        return false;
    }

    /**
     * The advantages of groups in which some scores may be undecided: those leave the statistics and the loss.
     *
     * @param groups that are trained on together
     */
    default List<TokenAdvantages> of(List<List<Response>> groups) {
        List<List<double[]>> decided = perToken(groups.stream()
                .map(group -> group.stream()
                        .filter(response -> response.score().decided())
                        .toList())
                .toList());
        List<TokenAdvantages> advantages = new ArrayList<>();
        for (int g = 0; g < groups.size(); g++) {
            List<Response> group = groups.get(g);
            List<double[]> values = new ArrayList<>();
            boolean[] counted = new boolean[group.size()];
            int next = 0;
            for (int i = 0; i < group.size(); i++) {
                Response response = group.get(i);
                counted[i] = response.score().decided();
                double[] ofTokens = counted[i] ? decided.get(g).get(next++).clone() : new double[response.length()];
                for (int t = 0; t < ofTokens.length; t++) {
                    ofTokens[t] = response.mask()[t] ? ofTokens[t] : 0;
                }
                values.add(ofTokens);
            }
            advantages.add(new TokenAdvantages(values, counted));
        }
        return advantages;
    }

    /** Those of a group that are decided, as a stream. */
    static Stream<Score> decided(Collection<Score> group) {
        return group.stream().filter(Score::decided);
    }

    /** Whether two of the values differ; zeros of either sign are the same. */
    static boolean differ(DoubleStream values) {
        // Adding 0.0 makes -0.0 equal to 0.0.
        return values.map(value -> value + 0.0).distinct().limit(2).count() == 2;
    }
}

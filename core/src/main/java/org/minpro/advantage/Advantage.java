package org.minpro.advantage;

import java.util.ArrayList;
import java.util.List;
import org.minpro.reward.Score;

/**
 * An estimator of advantages from the rewards of one group, that is of the responses to one prompt.
 *
 * <p>An implementation is a record whose components are its parameters, with a constructor without arguments that holds
 * their defaults. It may be called from several threads at once.
 */
@FunctionalInterface
public interface Advantage {
    /**
     * The advantage of each response.
     *
     * @param scores at least two decided scores that are not all equal
     * @return one finite number per score
     */
    double[] compute(List<Score> scores);

    /**
     * The advantages of a group in which some scores may be undecided: those leave the statistics and the loss.
     *
     * <p>Where fewer than two scores are decided, or all decided ones are equal, nothing can be told apart: all
     * advantages are 0 and the group has zero variance. (verl gives the only response of a group its reward as
     * advantage; with undecided responses left out, that would reward a response for being the only one scored.)
     */
    default GroupAdvantages of(List<Score> group) {
        List<Score> decided = new ArrayList<>();
        boolean[] counted = new boolean[group.size()];
        for (int i = 0; i < group.size(); i++) {
            counted[i] = group.get(i).decided();
            if (counted[i]) {
                decided.add(group.get(i));
            }
        }
        double[] values = new double[group.size()];
        // Adding 0.0 makes -0.0 equal to 0.0.
        boolean zeroVariance = decided.stream()
                        .mapToDouble(score -> score.value() + 0.0)
                        .distinct()
                        .limit(2)
                        .count()
                < 2;
        if (!zeroVariance) {
            double[] computed = compute(decided);
            int next = 0;
            for (int i = 0; i < values.length; i++) {
                values[i] = counted[i] ? computed[next++] : 0;
            }
        }
        return new GroupAdvantages(values, counted, zeroVariance);
    }
}

package org.minpro.advantage;

import java.util.ArrayList;
import java.util.List;
import org.minpro.reward.Score;

/**
 * An estimator that gives each response one number, on all its tokens, from the scores of its group alone.
 *
 * <p>A group whose rewards tell nothing apart gets exactly 0. (verl gives the only response of a group its reward as advantage;
 * with undecided responses left out, that would reward a response for being the only one scored.)
 */
@FunctionalInterface
public interface GroupAdvantage extends Advantage {
    /**
     * The advantage of each response.
     *
     * @param scores at least two decided scores that are not all equal
     * @return one finite number per score
     */
    double[] compute(List<Score> scores);

    @Override
    default List<List<double[]>> perToken(List<List<Response>> groups) {
        List<List<double[]>> values = new ArrayList<>();
        for (List<Response> group : groups) {
            List<Score> scores = group.stream().map(Response::score).toList();
            double[] computed = tellsApart(scores) ? compute(scores) : new double[group.size()];
            List<double[]> ofGroup = new ArrayList<>();
            for (int i = 0; i < computed.length; i++) {
                ofGroup.add(group.get(i).filled(computed[i]));
            }
            values.add(ofGroup);
        }
        return values;
    }
}

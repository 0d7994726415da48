package org.minpro.advantage;

import java.util.ArrayList;
import java.util.List;

/**
 * Rewards relative to their group's mean over tokens: {@code A_i = R_i - sum_j T_j R_j / sum_j T_j}, T the tokens that the policy wrote
 * (OPO, arXiv 2505.23585, as in verl). 0 in a group whose rewards tell nothing apart.
 */
public record OptimalBaseline() implements Advantage {
    @Override
    public List<List<double[]>> perToken(List<List<Response>> groups) {
        List<List<double[]>> values = new ArrayList<>();
        for (List<Response> group : groups) {
            boolean apart = tellsApart(group.stream().map(Response::score).toList());
            double tokens = group.stream().mapToDouble(Response::written).sum();
            double weighed = group.stream()
                    .mapToDouble(
                            response -> response.written() * response.score().value())
                    .sum();
            values.add(group.stream()
                    .map(response -> response.filled(
                            apart && tokens > 0 ? response.score().value() - weighed / tokens : 0))
                    .toList());
        }
        return values;
    }
}

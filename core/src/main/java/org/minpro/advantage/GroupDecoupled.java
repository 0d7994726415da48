package org.minpro.advantage;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.reward.Score;

/**
 * Each part of the reward relative to its group, added up and brought to mean 0 and variance 1 over the iteration's tokens: {@code A_i =
 * whitened(sum_k w_k (r_{k,i} - mean r_k) / (std r_k + 1e-6))} (GDPO, arXiv 2601.05242, as in verl).
 *
 * <p>No part drowns out another, as one of large variance does where the parts are added first. A part that is equal in a group says
 * nothing there.
 *
 * @param weights of the parts by name; empty takes every part that all scores have with weight 1, or the reward itself where there is
 *     none
 */
public record GroupDecoupled(
        @Doc(
                "Weights of the reward's parts by name, such as {math: 1, short: 0.5}; empty takes every part that all responses have,"
                        + " each with 1.")
        Map<String, Double> weights)
        implements Advantage {
    public GroupDecoupled {
        weights.forEach((name, weight) -> Rule.finite("weights." + name, weight));
        weights = Collections.unmodifiableMap(new TreeMap<>(weights));
    }

    /** All parts alike. */
    public GroupDecoupled() {
        this(Map.of());
    }

    @Override
    public boolean tellsApart(List<Score> group) {
        List<Score> decided = Advantage.decided(group).toList();
        return weights(decided).keySet().stream()
                .anyMatch(name -> Advantage.differ(decided.stream().mapToDouble(score -> part(score, name))));
    }

    @Override
    public List<List<double[]>> perToken(List<List<Response>> groups) {
        Map<String, Double> used = weights(
                groups.stream().flatMap(List::stream).map(Response::score).toList());
        List<List<double[]>> values = new ArrayList<>();
        for (List<Response> group : groups) {
            double[] sums = new double[group.size()];
            used.forEach((name, weight) -> {
                List<Score> ofPart = group.stream()
                        .map(response -> Score.of(part(response.score(), name)))
                        .toList();
                GroupRelative relative = new GroupRelative();
                if (relative.tellsApart(ofPart)) {
                    double[] normalised = relative.compute(ofPart);
                    for (int i = 0; i < sums.length; i++) {
                        sums[i] += weight * normalised[i];
                    }
                }
            });
            List<double[]> ofGroup = new ArrayList<>();
            for (int i = 0; i < sums.length; i++) {
                ofGroup.add(group.get(i).filled(sums[i]));
            }
            values.add(ofGroup);
        }
        return Whitening.whitened(groups, values);
    }

    /** The name of the reward itself, which no part has. */
    private static final String WHOLE = "";

    private Map<String, Double> weights(List<Score> scores) {
        if (!weights.isEmpty() || scores.isEmpty()) {
            return weights;
        }
        SortedSet<String> names = new TreeSet<>(scores.getFirst().parts().keySet());
        scores.forEach(score -> names.retainAll(score.parts().keySet()));
        // A part's own parts are in it already.
        names.removeIf(name -> name.contains("/"));
        Map<String, Double> equal = new TreeMap<>();
        names.forEach(name -> equal.put(name, 1.0));
        return equal.isEmpty() ? Map.of(WHOLE, 1.0) : equal;
    }

    private static double part(Score score, String name) {
        Double value = name.equals(WHOLE)
                ? Double.valueOf(score.value())
                : score.parts().get(name);
        if (value == null) {
            throw new IllegalArgumentException(
                    "weights of advantage gdpo must name parts that every decided response has, got: '" + name
                            + "', and one has " + score.parts().keySet());
        }
        return value;
    }
}

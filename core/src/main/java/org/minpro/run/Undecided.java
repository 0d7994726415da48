package org.minpro.run;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.minpro.experience.ScoredGroup;
import org.minpro.reward.Score;

/**
 * The responses that no reward could judge.
 *
 * @param count of them
 * @param responses all that were scored
 * @param reasons the most frequent ones with their counts
 */
record Undecided(int count, int responses, String reasons) {
    private static final int REASONS_SHOWN = 3;

    static Undecided of(List<ScoredGroup> groups) {
        Map<String, Integer> counts = new TreeMap<>();
        int responses = 0;
        for (ScoredGroup group : groups) {
            for (Score score : group.scores()) {
                responses++;
                if (!score.decided()) {
                    counts.merge(score.reason().replaceAll("\\s+", " "), 1, Integer::sum);
                }
            }
        }
        String reasons = counts.entrySet().stream()
                .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
                .limit(REASONS_SHOWN)
                .map(reason -> reason.getKey() + " (" + reason.getValue() + ")")
                .collect(Collectors.joining("; "));
        return new Undecided(
                counts.values().stream().mapToInt(Integer::intValue).sum(),
                responses,
                reasons + (counts.size() > REASONS_SHOWN ? "; and other reasons" : ""));
    }
}

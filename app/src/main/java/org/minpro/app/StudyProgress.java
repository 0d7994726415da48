package org.minpro.app;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.minpro.study.Study;
import org.minpro.study.StudyTables;

/** How far a study is, as a table of lines. */
final class StudyProgress {
    private StudyProgress() {}

    /** How many runs of each variant at each place are done, as lines. */
    static List<String> lines(Study study, StudyTables tables) {
        int compared = study.recipe().comparedAxis();
        Map<List<String>, Map<String, int[]>> places = new LinkedHashMap<>();
        List<String> variants = new ArrayList<>();
        for (Study.Run run : study.runs()) {
            String variant = run.key().labels().get(compared);
            if (!variants.contains(variant)) {
                variants.add(variant);
            }
            int[] count = places.computeIfAbsent(run.key().without(compared), key -> new LinkedHashMap<>())
                    .computeIfAbsent(variant, key -> new int[2]);
            count[0] += tables.result(run.key()) == null ? 0 : 1;
            count[1]++;
        }
        int width = Math.max(
                variants.stream().mapToInt(String::length).max().orElse(0),
                study.axisNames().get(compared).length());
        List<String> lines = new ArrayList<>();
        StringBuilder header = new StringBuilder(padded(study.axisNames().get(compared), width));
        places.keySet().forEach(place -> header.append("  ").append(column(place)));
        lines.add(header.toString());
        for (String variant : variants) {
            StringBuilder line = new StringBuilder(padded(variant, width));
            places.forEach((place, counts) -> {
                int[] count = Optional.ofNullable(counts.get(variant)).orElse(new int[2]);
                line.append("  ")
                        .append(padded(count[0] + "/" + count[1], column(place).length()));
            });
            lines.add(line.toString().stripTrailing());
        }
        return lines;
    }

    private static String column(List<String> place) {
        return padded(place.isEmpty() ? "done" : String.join(" ", place), 6);
    }

    private static String padded(String text, int width) {
        return text + " ".repeat(Math.max(0, width - text.length()));
    }
}

package org.minpro.app;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.minpro.run.IterationReport;
import org.minpro.train.LearnerReport;

/** All that was seen of an iteration's last update, by the names that it has in {@code metrics.jsonl}, for people. */
final class LedgerTable {
    private LedgerTable() {}

    /**
     * The lines; none where the iteration had no update.
     *
     * @param columns that a line of numbers may take; a name with its numbers is not cut
     */
    static List<String> of(IterationReport report, int columns) {
        List<LearnerReport.OfUpdate> updates =
                report.metrics().learned().map(LearnerReport::each).orElse(List.of());
        if (updates.isEmpty()) {
            return List.of();
        }
        List<String> lines = new ArrayList<>();
        lines.add("update " + updates.size() + " of iteration " + (report.iteration() + 1) + ":");
        lines.addAll(lines(updates.getLast().metrics(), columns));
        return lines;
    }

    /** Numbers side by side, then each array on a line of its own. */
    static List<String> lines(Map<String, Object> metrics, int columns) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        for (Map.Entry<String, Object> metric : metrics.entrySet()) {
            if (metric.getValue() instanceof Double number) {
                String part = "  " + metric.getKey() + " " + shown(number);
                if (!line.isEmpty() && line.length() + part.length() > columns) {
                    lines.add(line.toString());
                    line.setLength(0);
                }
                line.append(part);
            }
        }
        if (!line.isEmpty()) {
            lines.add(line.toString());
        }
        metrics.forEach((name, value) -> {
            if (value instanceof double[] numbers) {
                lines.add("  " + name + "  "
                        + Arrays.stream(numbers).mapToObj(LedgerTable::shown).collect(Collectors.joining(" ")));
            }
        });
        return lines;
    }

    /** Four digits; a dash for what is not a number, such as the mean of nothing. */
    private static String shown(double number) {
        if (!Double.isFinite(number)) {
            return "-";
        }
        if (number == Math.rint(number) && Math.abs(number) < 1e6) {
            return String.valueOf((long) number);
        }
        return String.format(
                Locale.ROOT, Math.abs(number) >= 0.001 && Math.abs(number) < 1e5 ? "%.4f" : "%.3e", number);
    }
}

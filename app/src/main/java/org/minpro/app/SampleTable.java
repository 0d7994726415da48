package org.minpro.app;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.minpro.data.Problem;
import org.minpro.experience.ScoredGroup;
import org.minpro.reward.Score;
import org.minpro.run.IterationReport;

/** One prompt of an iteration with its best and its worst completion, a few lines in all. */
final class SampleTable {
    private static final int LINES = 2;
    private static final String INDENT = "  ";
    /** Room for the first two columns: {@code prompt}, {@code best}, {@code worst}, and a reward. */
    private static final int NAMES = 14;

    private SampleTable() {}

    /**
     * Of the first group whose responses differ in reward, else of the first one.
     *
     * @param prompt the text that the model continued
     * @param columns that a line may take
     */
    static List<String> of(IterationReport report, Function<Problem, String> prompt, int columns) {
        ScoredGroup shown = report.fresh().stream()
                .filter(group -> decided(group).stream()
                                .map(i -> group.scores().get(i).value())
                                .distinct()
                                .count()
                        > 1)
                .findFirst()
                .orElse(report.fresh().getFirst());
        List<String> lines = new ArrayList<>();
        add(lines, "prompt", prompt.apply(shown.problem()), columns);
        List<Integer> decided = decided(shown);
        if (decided.isEmpty()) {
            add(lines, "undecided", shown.rollouts().getFirst().text(), columns);
            return lines;
        }
        Comparator<Integer> byReward =
                Comparator.comparingDouble(i -> shown.scores().get(i).value());
        int best = decided.stream().max(byReward).orElseThrow();
        int worst = decided.stream().min(byReward).orElseThrow();
        boolean differ = byReward.compare(best, worst) != 0;
        add(
                lines,
                name(differ ? "best" : "all", shown.scores().get(best)),
                shown.rollouts().get(best).text(),
                columns);
        if (differ) {
            add(
                    lines,
                    name("worst", shown.scores().get(worst)),
                    shown.rollouts().get(worst).text(),
                    columns);
        }
        return lines;
    }

    private static List<Integer> decided(ScoredGroup group) {
        return IntStream.range(0, group.scores().size())
                .filter(i -> group.scores().get(i).decided())
                .boxed()
                .toList();
    }

    private static String name(String name, Score score) {
        return String.format(Locale.ROOT, "%-5s %6.3f", name, score.value());
    }

    private static void add(List<String> lines, String name, String text, int columns) {
        int room = Math.max(10, columns - INDENT.length() - NAMES);
        String whole = DisplayText.visible(text.strip());
        // A wide character may leave the last column of a line free.
        List<String> cell = DisplayText.wrap(DisplayText.fitWithEnd(whole, LINES * (room - 1)), room);
        for (int i = 0; i < cell.size(); i++) {
            lines.add(INDENT + DisplayText.padded(i == 0 ? name : "", NAMES) + cell.get(i));
        }
    }
}

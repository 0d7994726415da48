package org.minpro.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.minpro.data.Row;
import org.minpro.data.Rows;
import org.minpro.verify.AnswerExtractor;
import org.minpro.verify.Verdict;
import org.minpro.verify.Verifier;

/**
 * Verdicts on solutions that people wrote, without the mark of their answer.
 *
 * <p>{@code WrittenSolutions FOLDER COUNT SEED}: COUNT rows of {@code gsm8k_train.jsonl} and of {@code gsm8k_test.jsonl}, drawn with
 * SEED, without their last line, each against its own answer and against every other number that it names; then {@code math500.jsonl} with the box
 * and with the box taken off. Every other number that is right, and every own answer that is wrong, is printed, to be read
 * by a person.
 */
public final class WrittenSolutions {
    private static final Pattern NUMBER = Pattern.compile("(?<![\\w.,/])\\d+(?:\\.\\d+)?(?![\\w,/]|\\.\\d)");
    private static final Pattern CALCULATION = Pattern.compile("<<[^>]*>>");
    private static final Verifier VERIFIER = new Verifier();

    private WrittenSolutions() {}

    public static void main(String[] args) {
        if (args.length != 3) {
            System.err.println("usage: WrittenSolutions FOLDER COUNT SEED");
            System.exit(2);
        }
        Path folder = Path.of(args[0]);
        for (String name : List.of("gsm8k_train.jsonl", "gsm8k_test.jsonl")) {
            wordProblems(folder.resolve(name), Integer.parseInt(args[1]), Long.parseLong(args[2]));
        }
        competition(folder.resolve("math500.jsonl"));
    }

    private static void wordProblems(Path file, int count, long seed) {
        List<Row> rows = new ArrayList<>(Rows.readAll(file));
        Collections.shuffle(rows, new Random(seed));
        Map<Verdict.Kind, Integer> own = new EnumMap<>(Verdict.Kind.class);
        Map<Verdict.Kind, Integer> others = new EnumMap<>(Verdict.Kind.class);
        for (Row row : rows.subList(0, Math.min(count, rows.size()))) {
            String solution = String.valueOf(row.fields().get("answer"));
            int mark = solution.lastIndexOf("####");
            String answer = solution.substring(mark + 4).strip();
            String text = CALCULATION
                    .matcher(solution.substring(0, mark))
                    .replaceAll("")
                    .strip();
            count(own, "own answer", answer, text, Verdict.Kind.WRONG);
            for (String other : numbers(text)) {
                if (!VERIFIER.compare(answer, other).isRight()) {
                    count(others, "other number", other, text, Verdict.Kind.RIGHT);
                }
            }
        }
        System.out.println(file.getFileName() + ": own answers " + own + ", other numbers of the text " + others);
    }

    private static Set<String> numbers(String text) {
        Set<String> numbers = new LinkedHashSet<>();
        Matcher matcher = NUMBER.matcher(text);
        while (matcher.find()) {
            numbers.add(matcher.group());
        }
        return numbers;
    }

    private static void competition(Path file) {
        Map<Verdict.Kind, Integer> boxed = new EnumMap<>(Verdict.Kind.class);
        Map<Verdict.Kind, Integer> bare = new EnumMap<>(Verdict.Kind.class);
        for (Row row : Rows.readAll(file)) {
            String solution = String.valueOf(row.fields().get("solution"));
            String answer = String.valueOf(row.fields().get("answer"));
            count(boxed, "box", answer, solution, Verdict.Kind.WRONG);
            String content = AnswerExtractor.LAST_BOXED
                    .extract(solution)
                    .orElseThrow(() -> row.error("field 'solution' must have a \\boxed answer"))
                    .text();
            count(bare, "no box", answer, solution.replace("\\boxed{" + content + "}", content), Verdict.Kind.WRONG);
        }
        System.out.println("competition: with the box " + boxed + ", without it " + bare);
    }

    private static void count(
            Map<Verdict.Kind, Integer> kinds, String what, String reference, String text, Verdict.Kind printed) {
        Verdict verdict = VERIFIER.verify(reference, text);
        kinds.merge(verdict.kind(), 1, Integer::sum);
        if (verdict.kind() == printed) {
            String line = text.replace('\n', '␤');
            System.out.println(what + "\t" + verdict.kind() + " " + verdict.reason() + "\t" + reference + "\t"
                    + line.substring(Math.max(0, line.length() - 200)));
        }
    }
}

package org.minpro.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.minpro.verify.AnswerExtractor;
import org.minpro.verify.Limits;
import org.minpro.verify.Verdict;
import org.minpro.verify.Verifier;

/**
 * Speed of the answer checker on one core, and its longest checks.
 *
 * <p>{@code VerifyBenchmark TABLE REFERENCES…}: the committed table of pairs, and text files with one reference a line.
 * Prints checks per CPU second for plain numbers and for expressions, each equal and different; then the CPU time of
 * the slowest checks over the pairs, pairs of references and hostile inputs of up to 100 KB. CPU time, because other
 * programs share the machine.
 */
public final class VerifyBenchmark {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    // Equal texts are compared like any others here.
    private static final Verifier VERIFIER = new Verifier(AnswerExtractor.AUTOMATIC, Limits.STANDARD, false);

    private VerifyBenchmark() {}

    public static void main(String[] args) throws IOException {
        if (args.length < 2) {
            System.err.println("usage: VerifyBenchmark TABLE REFERENCES…");
            System.exit(2);
        }
        List<String> numbers = new ArrayList<>();
        List<String> expressions = new ArrayList<>();
        for (String name : Arrays.asList(args).subList(1, args.length)) {
            for (String line : Files.readAllLines(Path.of(name))) {
                String text = line.replace('\u2424', '\n');
                boolean number = text.matches("-?[0-9][0-9.,]*|-?\\\\frac\\{\\d+\\}\\{\\d+\\}");
                (number ? numbers : expressions).add(text);
            }
        }
        rate("numbers", numbers);
        rate("expressions", expressions);
        List<String[]> table = pairs(Path.of(args[0]));
        rate(table);
        slowest(table, numbers, expressions);
    }

    private static void rate(String name, List<String> texts) {
        for (boolean equal : new boolean[] {true, false}) {
            double best = 0;
            for (int repetition = 0; repetition < 6; repetition++) {
                SplittableRandom random = new SplittableRandom(repetition);
                long start = THREADS.getCurrentThreadCpuTime();
                long checks = 0;
                long spent = 0;
                while (spent < 700_000_000L) {
                    for (int i = 0; i < 50; i++) {
                        String gold = texts.get(random.nextInt(texts.size()));
                        VERIFIER.compare(gold, equal ? gold : texts.get(random.nextInt(texts.size())));
                        checks++;
                    }
                    spent = THREADS.getCurrentThreadCpuTime() - start;
                }
                best = Math.max(best, checks * 1e9 / spent);
            }
            System.out.printf("%s, %s: %.0f checks per CPU second%n", name, equal ? "equal" : "different", best);
        }
    }

    /** The pairs of the table, whole completions among them, as Math-Verify checks them beside it. */
    private static void rate(List<String[]> table) {
        double best = 0;
        for (int repetition = 0; repetition < 20; repetition++) {
            long start = THREADS.getCurrentThreadCpuTime();
            for (String[] pair : table) {
                VERIFIER.verify(pair[0], pair[1]);
            }
            best = Math.max(best, table.size() * 1e9 / (THREADS.getCurrentThreadCpuTime() - start));
        }
        System.out.printf("pairs of the table: %.0f checks per CPU second%n", best);
    }

    private static List<String[]> pairs(Path table) throws IOException {
        List<String[]> pairs = new ArrayList<>();
        for (String line : Files.readAllLines(table, StandardCharsets.UTF_8)) {
            if (!line.startsWith("#") && !line.isBlank()) {
                String[] fields = line.replace('\u2424', '\n').split("\t", -1);
                pairs.add(new String[] {fields[2], fields[3]});
            }
        }
        return pairs;
    }

    private static void slowest(List<String[]> table, List<String> numbers, List<String> expressions) {
        List<String[]> pairs = new ArrayList<>(table);
        SplittableRandom random = new SplittableRandom(11);
        for (int i = 0; i < 30_000; i++) {
            pairs.add(new String[] {
                expressions.get(random.nextInt(expressions.size())), expressions.get(random.nextInt(expressions.size()))
            });
        }
        for (int i = 0; i < 10; i++) {
            for (String hostile : hostile(random)) {
                pairs.add(new String[] {expressions.get(random.nextInt(expressions.size())), hostile});
                pairs.add(new String[] {numbers.get(random.nextInt(numbers.size())), hostile});
                pairs.add(new String[] {hostile, hostile});
            }
        }
        Map<Long, String> worst = new TreeMap<>();
        double[] milliseconds = new double[pairs.size()];
        Map<String, Integer> kinds = new TreeMap<>();
        for (int pass = 0; pass < 2; pass++) {
            worst.clear();
            kinds.clear();
            for (int i = 0; i < pairs.size(); i++) {
                String[] pair = pairs.get(i);
                long start = THREADS.getCurrentThreadCpuTime();
                Verdict verdict = VERIFIER.verify(pair[0], pair[1]);
                long spent = THREADS.getCurrentThreadCpuTime() - start;
                milliseconds[i] = spent / 1e6;
                kinds.merge(verdict.kind() + " " + verdict.reason(), 1, Integer::sum);
                worst.put(spent, shortened(pair[0]) + " | " + shortened(pair[1]) + " " + verdict.reason());
                if (worst.size() > 8) {
                    worst.remove(worst.keySet().iterator().next());
                }
            }
        }
        Arrays.sort(milliseconds);
        System.out.printf(
                "%d checks: median %.3f ms, p99 %.2f, p99.9 %.2f, p99.99 %.2f, longest %.2f ms of CPU%n",
                milliseconds.length,
                milliseconds[milliseconds.length / 2],
                milliseconds[(int) (milliseconds.length * 0.99)],
                milliseconds[(int) (milliseconds.length * 0.999)],
                milliseconds[(int) (milliseconds.length * 0.9999)],
                milliseconds[milliseconds.length - 1]);
        System.out.println(kinds);
        worst.forEach((spent, text) -> System.out.printf("%.2f ms  %s%n", spent / 1e6, text));
    }

    private static List<String> hostile(SplittableRandom random) {
        String letter = String.valueOf((char) ('a' + random.nextInt(26)));
        int n = random.nextInt(2, 30);
        return List.of(
                "9^{9^{9^" + n + "}}",
                letter.repeat(100_000),
                "(".repeat(100_000),
                "\\boxed{".repeat(14_000),
                "\\boxed{" + n + "}".repeat(11_000),
                "answer is " + "answer is ".repeat(9_000),
                "(x+y+z+w)^{" + n + "}",
                "((x+y)^" + n + "+(y+z)^" + n + ")^" + n,
                "\\sqrt{".repeat(45) + n + "}".repeat(45),
                "\\sin(".repeat(40) + "x" + ")".repeat(40),
                "e^{".repeat(30) + "x" + "}".repeat(30),
                "\\sin x" + "+\\cos x^{" + n + "}\\tan y".repeat(60),
                "1" + "+\\sqrt{" + n + "+\\sqrt{7}}".repeat(60),
                "\\{" + "\\sin 1,".repeat(90) + "2\\}",
                "\\begin{pmatrix}" + "\\sqrt{2+\\sqrt{3}}&".repeat(60) + "1\\end{pmatrix}",
                "\\lfloor \\sin n \\rfloor".repeat(30),
                "1000000!",
                "\\( x ".repeat(20_000) + "\\)",
                "$a".repeat(50_000) + " " + n,
                n + " or ".repeat(20_000) + n,
                "one hundred ".repeat(8_000),
                "1 ".repeat(50_000) + n);
    }

    private static String shortened(String text) {
        return text.length() < 50 ? text : text.substring(0, 50) + "…(" + text.length() + ")";
    }
}

package org.minpro.verify;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What Jazzer runs: {@code mvn -Pfuzz -pl verify test-compile exec:exec}. {@link VerifierFuzzerTest} runs the seeds.
 *
 * <p>An input is a reference, a line end and a completion. The text after the last U+0001 of the completion is repeated
 * until the completion is as long as asked for, so that a short input can be a long one.
 */
public final class VerifierFuzzer {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final Verifier VERIFIER = new Verifier();
    private static final Verifier STRICT = new Verifier(AnswerExtractor.AUTOMATIC, Limits.STANDARD, false);
    /** Jazzer copies a whole text at each comparison, so that longer ones are left to the seeds. */
    private static final int LONGEST_FUZZED = 3_000;
    /** A hundred times the bound of 20 ms: code is instrumented under Jazzer and cold in the tests. */
    private static final long MOST_NANOSECONDS = 2_000_000_000L;
    /** Answers of which no two are equal in any notation: an answer that is right for two of them is a false one. */
    private static final List<String> DIFFERENT = List.of(
            "17",
            "-17",
            "19.25",
            "\\frac{3}{7}",
            "\\sqrt{2}",
            "\\frac{\\pi}{6}",
            "3+4i",
            "x^2+1",
            "2x-1",
            "y=3x+2",
            "x>5",
            "(0,1)",
            "[0,1]",
            "(0,1]",
            "\\{1,2\\}",
            "(1,2,3)",
            "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
            "\\emptyset",
            "\\infty",
            "2 \\pm \\sqrt{5}",
            "\\text{even}",
            "\\text{Tuesday}");

    private VerifierFuzzer() {}

    public static void fuzzerTestOneInput(byte[] input) {
        check(input, LONGEST_FUZZED);
    }

    /** Fails where the checker fails, is slow, is not a function, or finds one answer equal to two different ones. */
    static void check(byte[] input, int longest) {
        String text = new String(input, StandardCharsets.UTF_8);
        int line = text.indexOf('\n');
        String gold = line < 0 ? text : text.substring(0, line);
        String completion = repeated(text.substring(line + 1), longest);
        long start = THREADS.getCurrentThreadCpuTime();
        Verdict verdict = VERIFIER.verify(gold, completion);
        long spent = THREADS.getCurrentThreadCpuTime() - start;
        require(spent < MOST_NANOSECONDS, spent + " ns of CPU for " + verdict);
        requireNoDefect(verdict);
        require(VERIFIER.verify(gold, completion).equals(verdict), "another verdict the second time: " + verdict);
        requireNoDefect(STRICT.compare(gold, completion));
        requireNoDefect(VERIFIER.verify(completion, gold));
        for (ExtractionPolicy policy : ExtractionPolicy.values()) {
            for (Occurrence occurrence : Occurrence.values()) {
                new AnswerExtractor(List.of(policy), occurrence).extract(completion);
            }
        }
        String equal = null;
        for (String one : DIFFERENT) {
            if (VERIFIER.verify(one, completion).isRight()) {
                require(equal == null, "right for both " + equal + " and " + one + ": " + completion);
                equal = one;
            }
        }
    }

    private static void requireNoDefect(Verdict verdict) {
        require(verdict.reason() != Reason.DEFECT, verdict.toString());
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }

    private static String repeated(String completion, int longest) {
        int mark = completion.lastIndexOf('\u0001');
        if (mark < 0 || mark == completion.length() - 1) {
            return completion;
        }
        String unit = completion.substring(mark + 1);
        StringBuilder text = new StringBuilder(completion.substring(0, mark));
        while (text.length() + unit.length() <= longest) {
            text.append(unit);
        }
        return text.toString();
    }
}

package org.minpro.verify;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("slow")
final class HostileInputTest {
    private static final Verifier VERIFIER = new Verifier();
    private static final String[] PIECES = {
        "\\frac",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "\\{",
        "\\}",
        "^",
        "_",
        "1",
        "2",
        "17",
        "0",
        "x",
        "n",
        "e",
        "i",
        "\\pi",
        "\\sqrt",
        "\\sin",
        "\\log_",
        "\\infty",
        "+",
        "-",
        "*",
        "/",
        "=",
        "<",
        "\\le",
        "\\cup",
        "\\in",
        ",",
        ";",
        "!",
        "%",
        "\\pm",
        "|",
        "\\lfloor",
        "\\rfloor",
        "\\text{ cm}",
        "\\text{and}",
        "\\begin{pmatrix}",
        "\\end{pmatrix}",
        "&",
        "\\\\",
        "\\boxed{",
        "$",
        "^\\circ",
        "\\binom",
        ".",
        "3.14",
        "1,000",
        "\\overline{3}",
        "and",
        "or",
        "apples",
        ":",
        "\\pmod",
        "\\mathbb{R}",
        "'",
        "\\left",
        "\\right",
        "\u221a",
        "\u2264",
        "\\$",
        "\u00b2",
        "1e99",
        "\\ln",
        "f",
        "_8"
    };

    static List<String> hostile() {
        return List.of(
                "9^{9^{9^9}}",
                "x".repeat(5_000),
                "(".repeat(20_000),
                ">".repeat(50_000) + " of words",
                "> ".repeat(20_000) + "5",
                "\u2705".repeat(20_000) + "5",
                "\u2705\ufe0f ".repeat(20_000) + "5",
                "(".repeat(50) + "x",
                "{".repeat(100_000),
                "\\boxed{".repeat(14_000),
                "\\boxed{1}".repeat(11_000),
                "-".repeat(1_500) + "1",
                "2^".repeat(900) + "2",
                "\\sqrt{".repeat(300) + "2" + "}".repeat(300),
                "\\frac{1}{".repeat(200) + "2" + "}".repeat(200),
                "1" + "+1".repeat(900),
                "1" + "/2".repeat(900),
                "(x+y+z+w)^{100}",
                "(x+1)^{99999999}",
                "((x+y)^9+(y+z)^9)^9",
                "1000000!",
                "\\binom{1000000}{500000}",
                "(((9!)!)!)!",
                "\\sin(10^{50})",
                "e^{e^{e^{e^{e}}}}",
                "10^{-400}",
                "1e-9999",
                "0." + "0".repeat(900) + "1",
                "9".repeat(1_900),
                "\\sum_{k=1}^{1000000000} k",
                "1,".repeat(900) + "1",
                "|".repeat(1_900),
                "\\begin{pmatrix}" + "1&".repeat(400) + "1\\end{pmatrix}",
                "\\{" + "1,".repeat(300) + "2\\}",
                "5" + "%".repeat(900),
                "x" + "'".repeat(900),
                "\\overline{" + "a".repeat(900) + "}",
                "a".repeat(100_000),
                "1 ".repeat(50_000),
                "answer is ".repeat(10_000),
                "\\( x ".repeat(20_000) + "\\)",
                "$a".repeat(50_000) + " 1",
                "$".repeat(100_000),
                "7 or ".repeat(20_000) + "8",
                "not 7 ".repeat(16_000),
                "A. ".repeat(130) + "or",
                "3\\text{".repeat(280) + "4" + "}".repeat(280),
                "one hundred ".repeat(8_000),
                "\\",
                "\\begin",
                "\\begin{",
                "\\text{",
                "_",
                "^",
                "\u0000",
                "\ud83d\ude00",
                "\\frac",
                "\\sqrt[",
                "\\sqrt[0]{2}",
                "\\sqrt[-1]{2}",
                "\\log_0 5",
                "\\log_1 5",
                "0^{0}",
                "0^{-1}",
                "\\tan 90^\\circ",
                "\\frac{x}{x-x}",
                "3_1",
                "3_{99}",
                "9_8",
                "\\pm".repeat(300) + "1");
    }

    @ParameterizedTest
    @MethodSource("hostile")
    void hostileAnswersAreNotRightAndNoDefect(String hostile) {
        for (String gold : List.of("1", "x", "(1,2)", "\\frac{1}{2}", "\\text{even}")) {
            Verdict asAnswer = VERIFIER.verify(gold, hostile);
            assertThat(asAnswer.reason()).isNotEqualTo(Reason.DEFECT);
            if (!hostile.startsWith("1 ") && !hostile.startsWith("\\boxed{1}")) {
                assertThat(asAnswer.kind()).as(asAnswer.toString()).isNotEqualTo(Verdict.Kind.RIGHT);
            }
            assertThat(VERIFIER.verify(hostile, gold).reason()).isNotEqualTo(Reason.DEFECT);
            assertThat(VERIFIER.verify(hostile, hostile).reason()).isNotEqualTo(Reason.DEFECT);
        }
    }

    @Test
    void randomBytesNeverRaiseAnythingNorMatchANumber() {
        SplittableRandom random = new SplittableRandom(20261123);
        for (int round = 0; round < 20_000; round++) {
            byte[] bytes = new byte[random.nextInt(1, 60)];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = (byte) (random.nextInt(3) == 0 ? random.nextInt(256) : random.nextInt(32, 127));
            }
            String text = new String(bytes, StandardCharsets.ISO_8859_1);
            assertThat(VERIFIER.verify("271828", text).isRight()).as(text).isFalse();
            assertThat(VERIFIER.verify(text, text).reason()).as(text).isNotEqualTo(Reason.DEFECT);
        }
    }

    @Test
    void randomFormulasNeverRaiseAnything() {
        SplittableRandom random = new SplittableRandom(7);
        for (int round = 0; round < 15_000; round++) {
            String gold = formula(random);
            String answer = random.nextInt(4) == 0 ? gold : formula(random);
            Verdict verdict = VERIFIER.verify(gold, answer);
            assertThat(verdict.reason()).as("%s | %s", gold, answer).isNotEqualTo(Reason.DEFECT);
        }
    }

    private static String formula(SplittableRandom random) {
        StringBuilder text = new StringBuilder();
        int pieces = random.nextInt(1, 14);
        for (int i = 0; i < pieces; i++) {
            text.append(PIECES[random.nextInt(PIECES.length)]);
            if (random.nextInt(3) == 0) {
                text.append(' ');
            }
        }
        return text.toString();
    }

    @Test
    void verdictsAreTheSameFromManyThreads() throws Exception {
        List<VerdictTable.Row> rows = VerdictTable.rows();
        List<Verdict> expected = new java.util.ArrayList<>();
        for (VerdictTable.Row row : rows) {
            expected.add(VERIFIER.verify(row.gold(), row.answer()));
        }
        try (ExecutorService pool = Executors.newFixedThreadPool(4)) {
            List<Future<List<Verdict>>> futures = new java.util.ArrayList<>();
            for (int thread = 0; thread < 4; thread++) {
                Callable<List<Verdict>> task = () -> rows.stream()
                        .map(row -> VERIFIER.verify(row.gold(), row.answer()))
                        .toList();
                futures.add(pool.submit(task));
            }
            for (Future<List<Verdict>> future : futures) {
                assertThat(future.get()).isEqualTo(expected);
            }
        }
    }
}

package org.minpro.verify;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class NumberAnswersTest {
    private final Verifier verifier = new Verifier();
    private final Verifier lastNumber = new Verifier(AnswerExtractor.LAST_NUMBER, Limits.STANDARD);

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "18 | 18 | RIGHT",
                "18 | 18.0 | RIGHT",
                "18 | 18.5 | WRONG",
                "27.0 | 27 | RIGHT",
                "27.0 | 27.04 | WRONG",
                "025 | 25 | RIGHT",
                "1,080 | 1080 | RIGHT",
                "0.5 | 1/2 | RIGHT",
                "1/3 | 0.333 | WRONG",
                "0.33 | 1/3 | RIGHT",
                "0.333 | 0.33 | WRONG",
                "0.3 | 1/3 | UNDECIDED",
                "50% | 0.5 | RIGHT",
                "50% | 50 | RIGHT",
                "0.5 | 50 | WRONG",
                "-7 | 7 | WRONG",
                "4.5e33 | 4500000000000000000000000000000000 | RIGHT",
            })
    void comparesNumbers(String gold, String answer, Verdict.Kind kind) {
        assertThat(verifier.compare(gold, answer).kind()).isEqualTo(kind);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "18 | She makes 9 * 2 = $18 every day. | RIGHT",
                "18 | She makes 18 and then 20 | WRONG",
                "-5 | it is 5-10 = -5. | RIGHT",
                "5 | 10-5 | RIGHT",
                "1234.5 | the total is $1,234.50. | RIGHT",
                "3/4 | the share is 3/4 | RIGHT",
                "3/4 | the share is $\\frac{3}{4}$ | RIGHT",
                "8 | no digits here | WRONG",
            })
    void takesTheLastNumberOfACompletion(String gold, String completion, Verdict.Kind kind) {
        assertThat(lastNumber.verify(gold, completion).kind()).isEqualTo(kind);
    }

    @Test
    void readsTheReferenceOfAWorkedSolution() {
        assertThat(verifier.verify("9 * 2 = <<9*2=18>>18\n#### 18", "so \\boxed{18}")
                        .kind())
                .isEqualTo(Verdict.Kind.RIGHT);
    }
}

package org.minpro.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

final class ProblemOutcomeTest {
    @Test
    void passAtJIsTheShareOfSubsetsWithARightResponse() {
        for (int decided = 1; decided <= 9; decided++) {
            for (int right = 0; right <= decided; right++) {
                // Three more responses are undecided; they count for nothing.
                ProblemOutcome outcome = new ProblemOutcome("p", decided + 3, decided, right, null, 0, 0);
                for (int j = 1; j <= decided; j++) {
                    int subsets = 0;
                    int passing = 0;
                    for (int set = 0; set < 1 << decided; set++) {
                        if (Integer.bitCount(set) == j) {
                            subsets++;
                            passing += (set & (1 << right) - 1) == 0 ? 0 : 1;
                        }
                    }
                    assertThat(outcome.passAt(j).orElseThrow()).isEqualTo((double) passing / subsets, within(1e-12));
                }
                assertThat(outcome.passAt(decided + 1)).isEmpty();
                assertThat(outcome.average().orElseThrow())
                        .isEqualTo(outcome.passAt(1).orElseThrow(), within(1e-12));
            }
        }
    }

    @Test
    void manyResponsesDoNotOverflow() {
        ProblemOutcome outcome = new ProblemOutcome("p", 4096, 4096, 1, true, 0, 0);
        // One right response is among half of them with chance one half.
        assertThat(outcome.passAt(2048).orElseThrow()).isEqualTo(0.5, within(1e-12));
        assertThat(outcome.passAt(4096).orElseThrow()).isEqualTo(1.0);
    }

    @Test
    void nothingDecidedHasNoValue() {
        ProblemOutcome outcome = new ProblemOutcome("p", 4, 0, 0, null, 4, 12);
        assertThat(outcome.average()).isEmpty();
        assertThat(outcome.passAt(1)).isEmpty();
        assertThat(outcome.majorityValue()).isEmpty();
        assertThatThrownBy(() -> new ProblemOutcome("p", 4, 2, 3, true, 0, 0))
                .hasMessageContaining("right 3, decided 2");
    }
}

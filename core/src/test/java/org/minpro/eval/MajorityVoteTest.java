package org.minpro.eval;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.minpro.verify.Verifier;

final class MajorityVoteTest {
    private final MajorityVote vote = new MajorityVote(new Verifier());

    @Test
    void equalValuesAreOneAnswerHoweverTheyAreWritten() {
        assertThat(vote.winners(List.of(
                        "so \\boxed{3}",
                        "so \\boxed{\\frac{1}{2}}", "it is \\boxed{3.0}", "The answer is 0.5.", "I get\n#### 2/4")))
                .containsExactly(1, 3, 4);
    }

    @Test
    void ofGroupsOfOneSizeTheFirstWins() {
        assertThat(vote.winners(List.of("\\boxed{7}", "\\boxed{8}", "\\boxed{8}", "\\boxed{7}")))
                .containsExactly(0, 3);
        assertThat(vote.winners(List.of("\\boxed{8}", "\\boxed{7}"))).containsExactly(0);
    }

    @Test
    void silenceWinsOnlyWhereNobodyAnswers() {
        assertThat(vote.winners(List.of("", "", "", "\\boxed{5}"))).containsExactly(3);
        assertThat(vote.winners(List.of("", "no idea at all"))).containsExactly(0, 1);
        assertThat(vote.winners(List.of())).isEmpty();
    }

    @Test
    void notationThatIsNotUnderstoodIsOneAnswerWhereTheTextsAreEqual() {
        String unread = "\\boxed{\\sum_{k=1}^{n} a_k}";
        assertThat(vote.winners(List.of("\\boxed{1}", unread, unread))).containsExactly(1, 2);
    }
}

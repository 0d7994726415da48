package org.minpro.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

final class CompletionMarksTest {
    private final Verifier verifier = new Verifier();

    private static Verdict.Kind kind(Verifier verifier, String gold, String completion) {
        return verifier.verify(gold, completion).kind();
    }

    @Test
    void stopTextsEndTheCompletionWhereTheyFirstStand() {
        Verifier stopping = verifier.reading(verifier.marks().withStops(List.of("STOP", "###")));
        assertThat(kind(stopping, "18", "18 STOP The answer is 8.")).isEqualTo(Verdict.Kind.RIGHT);
        assertThat(kind(stopping, "8", "18 STOP The answer is 8.")).isEqualTo(Verdict.Kind.WRONG);
        assertThat(kind(stopping, "18", "18\n### Next: \\boxed{8} STOP")).isEqualTo(Verdict.Kind.RIGHT);
        assertThatThrownBy(() -> verifier.marks().withStops(List.of(""))).hasMessageContaining("stop text");
    }

    @Test
    void theMarksOfAModelsOwnTemplateAreAdded() {
        Verifier own = verifier.reading(verifier.marks().withThinking("{{muse}}", "{{/muse}}"));
        assertThat(kind(own, "15", "{{muse}}\\boxed{15}{{/muse}} 12")).isEqualTo(Verdict.Kind.WRONG);
        assertThat(kind(own, "12", "{{muse}}\\boxed{15}{{/MUSE}} 12")).isEqualTo(Verdict.Kind.RIGHT);
        assertThat(kind(own, "12", "<think>\\boxed{15}</think> 12")).isEqualTo(Verdict.Kind.RIGHT);
        Verifier single = verifier.reading(verifier.marks().withThinking("\u2020", "\u2021"));
        assertThat(kind(single, "15", "15 \u2021")).isEqualTo(Verdict.Kind.WRONG);
    }

    @Test
    void thinkingThatThePromptOpenedIsNoAnswerUntilItIsClosed() {
        Verifier opened = verifier.reading(verifier.marks().withThinkingOpened());
        assertThat(opened.verify("15", "so \\boxed{15}").reason()).isEqualTo(Reason.NO_ANSWER);
        assertThat(kind(opened, "12", "so 15</think>12")).isEqualTo(Verdict.Kind.RIGHT);
        assertThat(kind(verifier, "15", "so \\boxed{15}")).isEqualTo(Verdict.Kind.RIGHT);
    }

    @Test
    void aCompletionWithoutAnAnswerBehindItsThinkingHasNone() {
        assertThat(verifier.verify("15", "<think>\\boxed{15}").reason()).isEqualTo(Reason.NO_ANSWER);
        assertThat(verifier.answer("<think>\\boxed{15}")).isEmpty();
        assertThat(verifier.answer("It cannot be \\boxed{15}.")).isEmpty();
        assertThat(verifier.answer("<answer>12</answer> or 15")).contains("12");
    }
}

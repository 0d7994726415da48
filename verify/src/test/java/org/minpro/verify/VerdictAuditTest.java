package org.minpro.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.minpro.verify.Verdict.Kind;
import org.minpro.verify.VerdictAudit.Finding;

final class VerdictAuditTest {
    private final VerdictAudit audit = new VerdictAudit(new Verifier(), 2);

    private String what(String gold, String completion, @Nullable Kind stored) {
        return audit.check("p", gold, completion, stored)
                .map(found -> found.finding() + " " + found.what())
                .orElse("");
    }

    @Test
    void verdictsThatDifferFromTheStoredOnesDisagree() {
        assertThat(what("1/2", "\\boxed{0.5}", Kind.RIGHT)).isEmpty();
        assertThat(what("1/2", "\\boxed{0.5}", Kind.WRONG))
                .isEqualTo("DISAGREES stored wrong, now right: " + Reason.EXACT.sentence());
        assertThat(what("1/2", "\\boxed{1/3}", Kind.RIGHT))
                .isEqualTo("DISAGREES stored right, now wrong: " + Reason.DIFFERENT.sentence());
        assertThat(what("1/2", "\\boxed{0.5}", Kind.UNDECIDED))
                .isEqualTo("DISAGREES stored undecided, now right: " + Reason.EXACT.sentence());
    }

    @Test
    void undecidedOnesAreGroupedByReason() {
        String sum = "\\boxed{\\sum_{k=1}^2 k}";
        assertThat(what("1/2", sum, Kind.UNDECIDED)).isEqualTo("UNDECIDED " + Reason.ANSWER_NOT_UNDERSTOOD.sentence());
        assertThat(audit.check("p", "1/2", sum, null)).isPresent();
        assertThat(audit.count(Kind.UNDECIDED)).isEqualTo(2);
        assertThat(audit.stored()).isEqualTo(1);
    }

    @Test
    void aWrongAnswerWhoseReferenceIsStatedElsewhereIsSuspicious() {
        assertThat(what("12", "So 3 \\cdot 4 = 12, that is \\boxed{a dozen}, or 12", Kind.WRONG))
                .isNotEmpty();
        assertThat(what("7", "\\boxed{7} and later \\boxed{8}", null))
                .isEqualTo("SUSPICIOUS wrong, and right by the first answer from boxed");
        assertThat(what("7", "\\boxed{8}\n#### 7", null))
                .isEqualTo("SUSPICIOUS wrong, and right by the first answer from hashes");
        assertThat(what("7", "7 + 1\nthe result of 7 + 1 is \\boxed{8} pieces", null))
                .isEqualTo("SUSPICIOUS wrong, and the reference stands in the last line");
        assertThat(what("7", "17 + 1\nthe result of 17 - 9.7 + 70 is \\boxed{8} pieces", null))
                .isEmpty();
    }

    @Test
    void aRightAnswerBesideAnotherMarkedOneIsSuspicious() {
        assertThat(what("8", "\\boxed{8}\n#### 7", Kind.RIGHT))
                .isEqualTo("SUSPICIOUS right, and wrong by the first answer from hashes");
        assertThat(what("8", "\\boxed{7}, no: \\boxed{8}", null)).isEqualTo("UNDECIDED " + Reason.SEVERAL.sentence());
        assertThat(what("8", "\\boxed{8}, again: \\boxed{8}", Kind.RIGHT)).isEmpty();
    }

    @Test
    void answersThatAreNearTheReferenceAreSuspicious() {
        assertThat(what("(1,2)", "\\boxed{\\{1,2\\}}", null))
                .isEqualTo("SUSPICIOUS wrong, and the same letters, digits and commands");
        assertThat(what("0.333", "\\boxed{1/3}", Kind.RIGHT))
                .isEqualTo("SUSPICIOUS right: " + Reason.ROUNDED.sentence());
        assertThat(what("1/3", "\\boxed{1/3}", Kind.RIGHT)).isEmpty();
    }

    @Test
    void wrongAnswersThatAreGivenOftenAreCountedMostFrequentFirst() {
        for (int i = 0; i < 4; i++) {
            what("12", "\\boxed{13}", Kind.WRONG);
            what("12", "\\boxed{" + i + "}", Kind.WRONG);
        }
        for (int i = 0; i < 3; i++) {
            what("9", "\\boxed{8}", null);
        }
        assertThat(audit.groups()).singleElement().satisfies(group -> {
            assertThat(group.finding()).isEqualTo(Finding.FREQUENT);
            assertThat(group.count()).isEqualTo(2);
            assertThat(group.examples())
                    .extracting(
                            VerdictAudit.Case::gold,
                            VerdictAudit.Case::extracted,
                            VerdictAudit.Case::id,
                            VerdictAudit.Case::times)
                    .containsExactly(tuple("12", "13", "p", 4), tuple("9", "8", "p", 3));
        });
    }

    @Test
    void groupsComeByUrgencyAndSizeWithExamplesThatDiffer() {
        what("1", "\\boxed{1}, \\text{no} \\boxed{2}", null);
        for (int i = 0; i < 5; i++) {
            what("1/2", "\\boxed{1/3}", Kind.RIGHT);
        }
        what("1/2", "\\boxed{1/4}", Kind.RIGHT);
        what("1/2", "\\boxed{1/5}", Kind.RIGHT);
        what("2", "\\boxed{2.0}", Kind.WRONG);
        assertThat(audit.groups())
                .extracting(VerdictAudit.Group::finding)
                .containsExactly(Finding.DISAGREES, Finding.DISAGREES, Finding.SUSPICIOUS, Finding.FREQUENT);
        VerdictAudit.Group largest = audit.groups().getFirst();
        assertThat(largest.count()).isEqualTo(7);
        assertThat(largest.examples()).extracting(VerdictAudit.Case::extracted).containsExactly("1/3", "1/4");
        assertThat(audit.checked()).isEqualTo(9);
    }
}

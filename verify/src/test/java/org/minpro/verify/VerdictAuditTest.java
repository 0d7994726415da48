package org.minpro.verify;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class VerdictAuditTest {
    @Test
    void groupsDisagreementsAndUndecidedByReason() {
        VerdictAudit audit = new VerdictAudit(new Verifier());
        audit.check("agrees", "1/2", "\\boxed{0.5}", true);
        audit.check("missed", "1/2", "\\boxed{0.5}", false);
        audit.check("false right", "1/2", "\\boxed{1/3}", true);
        audit.check("undecided", "1/2", "\\boxed{\\sum_{k=1}^2 k}", false);
        assertThat(audit.checked()).isEqualTo(4);
        assertThat(audit.groups().keySet())
                .containsExactly(
                        "stored right, found wrong: " + Reason.DIFFERENT.sentence(),
                        "stored wrong, found right: " + Reason.EXACT.sentence(),
                        "undecided: " + Reason.ANSWER_NOT_UNDERSTOOD.sentence());
    }
}

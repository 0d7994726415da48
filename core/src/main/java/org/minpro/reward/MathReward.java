package org.minpro.reward;

import java.util.Locale;
import org.minpro.data.Problem;
import org.minpro.rollout.Rollout;
import org.minpro.verify.Verdict;
import org.minpro.verify.Verifier;

/**
 * Whether the completion's answer equals the problem's, by the answer checker; undecided where the checker is.
 *
 * @param verifier the checker with its way of finding the answer
 * @param right value of a right answer
 * @param wrong value of a wrong answer
 */
public record MathReward(Verifier verifier, double right, double wrong) implements Reward {
    /** One for a right answer and zero for a wrong one. */
    public MathReward(Verifier verifier) {
        this(verifier, 1.0, 0.0);
    }

    @Override
    public Score score(Problem problem, Rollout rollout) {
        Verdict verdict = verifier.verify(problem.answer(), rollout.text());
        String reason = verdict.reason().name().toLowerCase(Locale.ROOT);
        return switch (verdict.kind()) {
            case RIGHT -> Score.of(right, reason);
            case WRONG -> Score.of(wrong, reason);
            case UNDECIDED -> Score.undecided(reason);
        };
    }
}

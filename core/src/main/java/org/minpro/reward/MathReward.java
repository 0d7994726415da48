package org.minpro.reward;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.minpro.config.Doc;
import org.minpro.config.NearestName;
import org.minpro.data.Problem;
import org.minpro.rollout.Rollout;
import org.minpro.verify.AnswerExtractor;
import org.minpro.verify.CompletionMarks;
import org.minpro.verify.ExtractionPolicy;
import org.minpro.verify.Limits;
import org.minpro.verify.Occurrence;
import org.minpro.verify.Verdict;
import org.minpro.verify.Verifier;

/**
 * Whether the completion's answer equals the problem's, by the answer checker; undecided where the checker is.
 *
 * @param answerFrom {@value #AUTOMATIC}, or {@link ExtractionPolicy}s in kebab-case with commas
 * @param occurrence which of several answers counts
 * @param right value of a right answer
 * @param wrong value of a wrong answer
 */
public record MathReward(
        @Doc(
                "Where completions state their answer, in order: names among boxed, hashes, answer-is, whole, formula, number"
                        + " with commas, or automatic for all.")
        String answerFrom,

        @Doc("Which of several answers counts.") Occurrence occurrence,
        @Doc("Value of a right answer.") double right,
        @Doc("Value of a wrong answer.") double wrong)
        implements Reward {
    /** The places of {@link AnswerExtractor#AUTOMATIC}. */
    public static final String AUTOMATIC = "automatic";

    public MathReward {
        policies(answerFrom);
        Score.check("right", right);
        Score.check("wrong", wrong);
    }

    /** One for a right answer and zero for a wrong one, which is the last one wherever it stands. */
    public MathReward() {
        this(AUTOMATIC, Occurrence.LAST, 1, 0);
    }

    private static List<ExtractionPolicy> policies(String answerFrom) {
        if (answerFrom.equals(AUTOMATIC)) {
            return AnswerExtractor.AUTOMATIC.policies();
        }
        List<ExtractionPolicy> policies = new ArrayList<>();
        for (String name : answerFrom.split(",")) {
            policies.add(policy(name.strip()));
        }
        return policies;
    }

    private static ExtractionPolicy policy(String name) {
        List<String> names = new ArrayList<>(List.of(AUTOMATIC));
        for (ExtractionPolicy policy : ExtractionPolicy.values()) {
            String kebab = policy.name().toLowerCase(Locale.ROOT).replace('_', '-');
            if (kebab.equals(name)) {
                return policy;
            }
            names.add(kebab);
        }
        throw new IllegalArgumentException(NearestName.message("answer-from", name, names));
    }

    /** The checker with its way of finding the answer. */
    public Verifier verifier() {
        return new Verifier(new AnswerExtractor(policies(answerFrom), occurrence), Limits.STANDARD);
    }

    @Override
    public Score score(Problem problem, Rollout rollout) {
        return score(verifier(), problem, rollout);
    }

    @Override
    public Reward reading(CompletionMarks marks) {
        return judgedBy(verifier().reading(marks));
    }

    /** The same values from another checker. */
    public Reward judgedBy(Verifier verifier) {
        return (problem, rollout) -> score(verifier, problem, rollout);
    }

    private Score score(Verifier verifier, Problem problem, Rollout rollout) {
        Verdict verdict = verifier.verify(problem.answer(), rollout.text());
        String reason = verdict.reason().name().toLowerCase(Locale.ROOT);
        return switch (verdict.kind()) {
            case RIGHT -> Score.of(right, reason);
            case WRONG -> Score.of(wrong, reason);
            case UNDECIDED -> Score.undecided(reason);
        };
    }
}

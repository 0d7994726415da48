package org.minpro.verify;

import java.util.List;

/**
 * Checks an answer, or the answer of a whole completion, against a reference.
 *
 * <p>Never throws because of what it reads and never waits: work is bounded by {@link Limits}. Immutable; share one
 * among any number of threads.
 */
public final class Verifier {
    private final AnswerExtractor extractor;
    private final Limits limits;

    /** A verifier that finds the answer by {@link AnswerExtractor#AUTOMATIC} under {@link Limits#STANDARD}. */
    public Verifier() {
        this(AnswerExtractor.AUTOMATIC, Limits.STANDARD);
    }

    public Verifier(AnswerExtractor extractor, Limits limits) {
        this.extractor = extractor;
        this.limits = limits;
    }

    /** Compares the answer that the extractor finds in the completion with the one that the reference states. */
    public Verdict verify(String gold, String completion) {
        String reference = referenceOf(gold);
        List<ExtractedAnswer> candidates = extractor.candidates(completion);
        if (candidates.isEmpty()) {
            return Verdict.wrong(Reason.NO_ANSWER, reference, "");
        }
        Verdict last = Verdict.wrong(Reason.NO_ANSWER, reference, "");
        for (ExtractedAnswer candidate : candidates) {
            last = compare(reference, candidate.text());
            if (last.isDecided()) {
                break;
            }
        }
        return last;
    }

    /** Compares two answers as they stand. */
    public Verdict compare(String gold, String answer) {
        PlainNumber expected = PlainNumber.read(gold, limits.digits());
        PlainNumber given = PlainNumber.read(answer, limits.digits());
        if (expected == null) {
            return Verdict.undecided(Reason.GOLD_NOT_UNDERSTOOD, gold, answer);
        }
        if (given == null) {
            return Verdict.undecided(Reason.ANSWER_NOT_UNDERSTOOD, gold, answer);
        }
        return NumberComparison.compare(expected, given);
    }

    private static String referenceOf(String gold) {
        return new AnswerExtractor(List.of(ExtractionPolicy.BOXED, ExtractionPolicy.HASHES), Occurrence.LAST)
                .extract(gold)
                .map(ExtractedAnswer::text)
                .orElse(gold);
    }
}

package org.minpro.verify;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Checks an answer, or the answer of a whole completion, against a reference.
 *
 * <p>Never throws because of what it reads and never waits: work is bounded by {@link Limits}. Immutable; share one
 * among any number of threads.
 *
 * <p>{@code RIGHT} is given only for equality by exact normal forms, at seeded points to forty digits, by rounding to a
 * reference that is itself a decimal of enough digits, or of plain words. The order matters: the
 * reference comes first, and only its precision allows rounding.
 */
public final class Verifier {
    private static final AnswerExtractor REFERENCE = new AnswerExtractor(
            List.of(ExtractionPolicy.BOXED, ExtractionPolicy.HASHES), Occurrence.LAST, CompletionMarks.NONE);
    private static final int LONGEST_REPORT = 200;

    private static final int NUMBERS_BEFORE = 3;
    private static final int STATED_WITHIN = 160;
    private static final int LONGEST_RATIO = 20;
    private static final int LONGEST_CHOICE = 200;
    private static final int MOST_WORDS = 10;
    /** Words in front of an answer in words that lead up to it. */
    private static final Pattern STATES = Pattern.compile(
            "(?!.*\\b(?:not|no|nor|or|and|never|neither|if|unless|but|isnt|wasnt)\\b)(?:.* )?(?:is|are|was|were|be|on|called|named|in|o|equals) (?:n )?");

    private static final Pattern ZERO_COMMA = Pattern.compile("[\\s$]*(?:[a-zA-Z]\\s*=\\s*)?[-\u2212]?0,\\d+[\\s$.]*");
    private static final Pattern APPROXIMATED = Pattern.compile("[\\s$({]*(?:\\\\approx|\\\\sim|\u2248|~)");
    private static final Pattern RATIO =
            Pattern.compile("(?<![\\d.])(\\d+(?:\\.\\d+)?) (to|out of|in every|in|of) (\\d+(?:\\.\\d+)?)$");

    private final AnswerExtractor extractor;
    private final Limits limits;
    private final boolean sameText;

    /** A verifier that finds the answer by {@link AnswerExtractor#AUTOMATIC} under {@link Limits#STANDARD}. */
    public Verifier() {
        this(AnswerExtractor.AUTOMATIC, Limits.STANDARD);
    }

    public Verifier(AnswerExtractor extractor, Limits limits) {
        this(extractor, limits, true);
    }

    /**
     * A verifier.
     *
     * @param extractor finds the answer in a completion
     * @param limits bounds of one check
     * @param sameText whether notation that is not understood is right where both sides write the same
     */
    public Verifier(AnswerExtractor extractor, Limits limits, boolean sameText) {
        this.extractor = extractor;
        this.limits = limits;
        this.sameText = sameText;
    }

    /** Compares the answer that the extractor finds in the completion with the one that the reference states. */
    public Verdict verify(String gold, String completion) {
        return judge(gold, completion).verdict();
    }

    /**
     * A verdict and what it is about.
     *
     * @param extracted the answer that was compared; empty where the completion has none
     */
    record Judged(Verdict verdict, String extracted) {
        Judged but(Reason reason) {
            return new Judged(Verdict.undecided(reason, verdict.gold(), verdict.answer()), extracted);
        }
    }

    /** {@link #verify} with the answer that it found. */
    Judged judge(String gold, String completion) {
        String reference = reference(gold);
        JudgedPart part = extractor.part(completion);
        Judged judged = judgePart(reference, part.text());
        String beyond = part.beyond();
        if (beyond == null || judged.verdict().isRight()) {
            return judged;
        }
        // The question may be the one that was asked, told again before it is answered.
        Judged told = judgePart(reference, beyond);
        return told.verdict().isRight() ? told.but(Reason.SEVERAL) : judged;
    }

    private Judged judgePart(String reference, String part) {
        Verdict verdict = Verdict.wrong(Reason.NO_ANSWER, shortened(reference), "");
        String extracted = "";
        boolean read = false;
        String text = extractor.plain(part);
        for (ExtractionPolicy policy : extractor.policies()) {
            Candidate candidate = extractor.candidate(policy, text);
            if (candidate == null) {
                continue;
            }
            Checked checked = check(reference, candidate);
            verdict = checked.verdict();
            read = !checked.prose();
            extracted = candidate.text();
            if (verdict.isRight() && !candidate.isAsserted()) {
                verdict = Verdict.undecided(Reason.NOT_ASSERTED, verdict.gold(), verdict.answer());
                return new Judged(verdict, extracted);
            }
            if (candidate.isMarked() || verdict.isRight() || !checked.prose() && !isSentence(candidate, verdict)) {
                return new Judged(verdict, extracted);
            }
            if (candidate.policy() == ExtractionPolicy.WHOLE
                    && checked.goldIsWords()
                    && isLonger(candidate, reference)) {
                verdict = Verdict.undecided(Reason.ANSWER_NOT_UNDERSTOOD, verdict.gold(), verdict.answer());
            }
        }
        boolean unread = !read
                && verdict.kind() == Verdict.Kind.WRONG
                && part.length() < 2000
                && (TextAnswer.namesNumber(text) || choosesAmongWords(reference, text));
        return unread
                ? new Judged(verdict, extracted).but(Reason.ANSWER_NOT_UNDERSTOOD)
                : new Judged(verdict, extracted);
    }

    /** Whether a short text names, among words, the letter that is the reference: "I choose B". */
    private static boolean choosesAmongWords(String reference, String text) {
        return reference.length() == 1
                && text.length() < LONGEST_CHOICE
                && Shorthand.choosesLast(text, reference.charAt(0));
    }

    /** Whether a whole text that was read as mathematics, and is wrong, is prose: "So x", "En total, 5", several lines. */
    private static boolean isSentence(Candidate candidate, Verdict verdict) {
        return candidate.policy() == ExtractionPolicy.WHOLE
                && verdict.kind() == Verdict.Kind.WRONG
                && (TextAnswer.beginsSentence(candidate.text())
                        || candidate.text().indexOf('\n') >= 0 && TextAnswer.hasSpeech(candidate.text()));
    }

    /** Compares a candidate with its rivals in mind, and reads it again where its notation may be that of prose. */
    private Checked check(String reference, Candidate candidate) {
        Checked checked = check(reference, candidate.text());
        if (!candidate.rivals().isEmpty()) {
            checked = amongRivals(reference, candidate, checked);
        }
        Aside aside = checked.verdict().isDecided()
                ? Aside.of(candidate, checked.verdict().isRight())
                : null;
        if (aside != null) {
            boolean mainIsRight = compare(reference, aside.main()).isRight();
            boolean open = checked.verdict().isRight() ? !mainIsRight : mainIsRight && aside.isAsserted();
            if (open) {
                return checked.but(Reason.SEVERAL);
            }
        }
        if (checked.verdict().kind() != Verdict.Kind.WRONG) {
            return checked;
        }
        if (mayBeShorthand(reference, candidate)) {
            return new Checked(checked.but(Reason.AMBIGUOUS).verdict(), false, false);
        }
        if (candidate.isMarked()) {
            return amongWords(reference, candidate, checked);
        }
        if (checked.verdict().reason() == Reason.DIFFERENT_KIND
                && (candidate.policy() == ExtractionPolicy.FORMULA || candidate.policy() == ExtractionPolicy.WHOLE)
                && ProseFormula.isBound(candidate.text())) {
            return isBoundOf(reference, candidate) ? checked.but(Reason.NOT_ASSERTED) : checked;
        }
        if (candidate.policy() == ExtractionPolicy.NUMBER && statedBefore(reference, candidate)) {
            return checked.but(Reason.SEVERAL);
        }
        String other = asInProse(candidate);
        return other != null && compare(reference, other).isRight() ? checked.but(Reason.AMBIGUOUS) : checked;
    }

    /** Whether an answer that is read as something else is the reference in a notation of everyday. */
    private boolean mayBeShorthand(String reference, Candidate candidate) {
        String text = candidate.text();
        if (reference.indexOf(':') > 0 && Shorthand.isSameTime(reference, text)) {
            return true;
        }
        String other = text.length() > 1 || candidate.isMarked() ? Shorthand.of(text) : null;
        if (other == null) {
            return false;
        }
        Verdict verdict = compare(reference, other);
        boolean formula = text.indexOf('$') >= 0; // 27 $m^2$ is as open as 27 m^2
        return formula ? verdict.kind() != Verdict.Kind.WRONG : verdict.isRight();
    }

    /** Whether a bound names the right number beside another one, 27 &lt; 30, or, in prose, alone: x &gt; 27. */
    private boolean isBoundOf(String reference, Candidate candidate) {
        String text = candidate.text();
        WholeNumber first = WholeNumber.one(text, Occurrence.FIRST);
        WholeNumber last = WholeNumber.one(text, Occurrence.LAST);
        if (first == null || last == null || first.equals(last) && candidate.policy() == ExtractionPolicy.WHOLE) {
            return false;
        }
        return compare(reference, first.text(text)).isRight()
                || compare(reference, last.text(text)).isRight();
    }

    /** Whether the text states the right number shortly before a last number that it does not give as its answer. */
    private boolean statedBefore(String reference, Candidate candidate) {
        String text = candidate.source();
        int end = candidate.start();
        for (int i = 0; i < NUMBERS_BEFORE; i++) {
            int from = Math.max(0, end - STATED_WITHIN);
            String before = text.substring(from, end);
            WholeNumber number = WholeNumber.one(before, Occurrence.LAST);
            if (number == null) {
                return false;
            }
            end = from + number.start();
            if (compare(reference, number.text(before)).isRight()) {
                return !candidate.isAsserted()
                        && Assertion.holds(text, from + number.start(), from + number.end(), true);
            }
        }
        return false;
    }

    /** Several pieces that stand with the same right are one list; where only the last of them is right, who knows. */
    private Checked amongRivals(String reference, Candidate candidate, Checked last) {
        List<String> all = new ArrayList<>(candidate.rivals());
        if (extractor.occurrence() == Occurrence.LAST) {
            all.add(candidate.text());
        } else {
            all.add(0, candidate.text());
        }
        Checked list = check(reference, String.join(", ", all));
        if (list.verdict().isRight()) {
            return list;
        }
        if (!last.verdict().isRight()) {
            // The coordinates of a point, each in a box of its own.
            return candidate.isMarked() && list.verdict().reason() == Reason.AMBIGUOUS ? list : last;
        }
        for (String rival : candidate.rivals()) {
            if (!compare(reference, rival).isRight()) {
                return last.but(Reason.SEVERAL);
            }
        }
        return last;
    }

    /**
     * What a piece may be in prose: the text without an exclamation mark that may end a sentence, or a dash that may begin
     * an item; the ratio whose end it is; null where it has one reading.
     */
    private static @Nullable String asInProse(Candidate candidate) {
        String text = candidate.text();
        int end = text.length() - 1;
        if (end > 0 && text.charAt(end) == '!' && text.charAt(end - 1) != '!') {
            return text.substring(0, end);
        }
        if (text.endsWith(" dozen")) {
            return text.substring(0, text.length() - " dozen".length()); // counted in dozens
        }
        if (candidate.policy() == ExtractionPolicy.NUMBER) {
            Matcher ratio = RATIO.matcher(candidate.source())
                    .region(Math.max(0, candidate.start() - LONGEST_RATIO), candidate.end());
            if (ratio.find()) {
                return ratio.group(1) + (ratio.group(2).equals("to") ? ":" : "/") + ratio.group(3);
            }
        }
        return text.startsWith("- ") ? text.substring(2) : null;
    }

    /** A marked answer that is not read may hold the right one among words: {@code 12 \\text{ (since } 3\\cdot 4)}. */
    private Checked amongWords(String reference, Candidate candidate, Checked checked) {
        String text = candidate.text();
        if (!checked.prose() || checked.goldIsWords() || !TextAnswer.hasWord(text) || TextAnswer.takesBack(text)) {
            return checked;
        }
        if (choosesAmongWords(reference, text)) {
            return checked.but(Reason.ANSWER_NOT_UNDERSTOOD);
        }
        String announced = TextAnswer.announced(text);
        if (announced != null) {
            Checked read = check(reference, announced);
            if (!read.prose()) {
                return read;
            }
        }
        for (String part : TextAnswer.betweenWords(text)) {
            if (compare(reference, part).isRight()) {
                return checked.but(Reason.ANSWER_NOT_UNDERSTOOD);
            }
        }
        return checked;
    }

    /** The answer that a reference states: that of a whole solution too. */
    static String reference(String gold) {
        return REFERENCE.extract(gold).map(ExtractedAnswer::text).orElse(gold);
    }

    /** This verifier with another way to find the answer. */
    Verifier extractingBy(ExtractionPolicy policy, Occurrence occurrence) {
        return new Verifier(new AnswerExtractor(List.of(policy), occurrence, extractor.marks()), limits, sameText);
    }

    /** This verifier with other marks of what it looks at in a completion. */
    public Verifier reading(CompletionMarks marks) {
        return new Verifier(extractor.reading(marks), limits, sameText);
    }

    /** The marks of what it looks at in a completion. */
    public CompletionMarks marks() {
        return extractor.marks();
    }

    /**
     * The answer of a completion where no reference says which of its pieces is meant: the first that the extractor finds
     * marked, or that is no prose; empty where all are prose.
     */
    public Optional<String> answer(String completion) {
        String text = extractor.plain(extractor.part(completion).text());
        for (ExtractionPolicy policy : extractor.policies()) {
            Candidate candidate = extractor.candidate(policy, text);
            boolean states = candidate != null && (candidate.isMarked() || !TextAnswer.hasProse(candidate.text()));
            if (candidate != null && states) {
                return candidate.isAsserted() ? Optional.of(candidate.text()) : Optional.empty();
            }
        }
        return Optional.empty();
    }

    /** Whether a whole text says much more than the words that are asked for, which may be among them. */
    private static boolean isLonger(Candidate candidate, String reference) {
        return candidate.text().split("\\s+").length
                > TextAnswer.words(reference).split(" ").length + 3;
    }

    /** Compares two answers as they stand. */
    public Verdict compare(String gold, String answer) {
        return check(gold, answer).verdict();
    }

    /**
     * A verdict with what a search for the answer needs to know.
     *
     * @param prose whether the answer is no formula
     * @param goldIsWords whether the reference is words
     */
    private record Checked(Verdict verdict, boolean prose, boolean goldIsWords) {
        Checked but(Reason reason) {
            return new Checked(Verdict.undecided(reason, verdict.gold(), verdict.answer()), prose, goldIsWords);
        }
    }

    private Checked check(String gold, String answer) {
        PlainNumber expected = PlainNumber.read(gold, limits.digits());
        if (expected != null) {
            PlainNumber given = PlainNumber.read(answer, limits.digits());
            if (given != null) {
                boolean money = expected.percent() && answer.contains("\\$") || given.percent() && gold.contains("\\$");
                Verdict verdict = NumberComparison.compare(expected, given);
                if (money && verdict.isRight()) {
                    return undecided(Reason.UNITS, gold, answer);
                }
                if (verdict.isDecided() && !(verdict.kind() == Verdict.Kind.WRONG && answer.indexOf(',') >= 0)) {
                    return new Checked(verdict, false, false);
                }
            }
        }
        Budget budget = new Budget(limits);
        try {
            return check(gold, answer, budget);
        } catch (Refusal refusal) {
            return undecided(refusal.reason(), gold, answer);
        } catch (ArithmeticException | IndexOutOfBoundsException | ClassCastException | StackOverflowError e) {
            // A defect of this package must not end a training run; the fuzz test fails on this reason.
            return undecided(Reason.DEFECT, gold, answer);
        }
    }

    private static Checked undecided(Reason reason, String gold, String answer) {
        return new Checked(Verdict.undecided(reason, shortened(gold), shortened(answer)), false, false);
    }

    private Checked check(String gold, String answer, Budget budget) {
        Parser.Parsed expected;
        try {
            expected = Parser.parse(gold, Reading.USUAL, budget);
        } catch (Refusal refusal) {
            return notUnderstood(
                    gold, answer, refusal.reason() == Reason.LIMIT ? Reason.LIMIT : Reason.GOLD_NOT_UNDERSTOOD);
        }
        Parser.Parsed given;
        try {
            given = Parser.parse(answer, Reading.USUAL, budget);
        } catch (Refusal refusal) {
            return unreadable(expected.node(), gold, answer, refusal.reason());
        }
        Verdict verdict = judge(expected.node(), given.node(), gold, answer, budget);
        if (verdict.reason() == Reason.GOLD_NOT_UNDERSTOOD) {
            return notUnderstood(gold, answer, Reason.GOLD_NOT_UNDERSTOOD);
        }
        boolean prose = given.node() instanceof Node.Text;
        if (verdict.isRight() && estimates(given.node(), answer) && !estimates(expected.node(), gold)) {
            verdict = Verdict.undecided(Reason.NOT_ASSERTED, verdict.gold(), verdict.answer());
        }
        if (!verdict.isRight() && choiceMatches(expected.node(), answer)) {
            verdict = Verdict.right(Reason.TEXT, verdict.gold(), verdict.answer());
        }
        if (verdict.kind() == Verdict.Kind.WRONG
                && expected.node() instanceof Node.Text text
                && holdsWords(text.words(), answer)) {
            verdict = Verdict.undecided(Reason.ANSWER_NOT_UNDERSTOOD, verdict.gold(), verdict.answer());
        }
        if (verdict.kind() == Verdict.Kind.WRONG && isOtherReadingRight(expected, given, gold, answer)) {
            verdict = isZeroComma(gold, answer)
                    ? Verdict.right(Reason.EXACT, verdict.gold(), verdict.answer())
                    : Verdict.undecided(Reason.AMBIGUOUS, verdict.gold(), verdict.answer());
        }
        return new Checked(verdict, prose, expected.node() instanceof Node.Text);
    }

    /** Whether a short sentence holds the words of the reference: "It is a Monday". */
    private static boolean holdsWords(String gold, String answer) {
        if (gold.length() < 2 || answer.length() > LONGEST_REPORT) {
            return false;
        }
        String words = TextAnswer.words(answer);
        return words.endsWith(" " + gold)
                && words.split(" ").length <= MOST_WORDS
                && STATES.matcher(words.substring(0, words.length() - gold.length()))
                        .matches();
    }

    /** Whether an answer is a decimal such as 0,5 beside a single number: as a list of two it would not begin so. */
    private static boolean isZeroComma(String gold, String answer) {
        return gold.indexOf(',') < 0 && ZERO_COMMA.matcher(answer).matches();
    }

    /** Whether an answer gives a whole number as an approximation: {@code n \\approx 27}, as "about 27" does. */
    private static boolean estimates(Node node, String text) {
        if (node instanceof Node.Relation relation) {
            int at = relation.operators().indexOf("~");
            return at >= 0
                    && isWhole(relation.sides().get(at + 1))
                    && !Evaluator.symbols(relation.sides().get(at)).isEmpty();
        }
        return isWhole(node) && APPROXIMATED.matcher(text).lookingAt();
    }

    private Checked notUnderstood(String gold, String answer, Reason reason) {
        String goldText = plain(gold);
        if (sameText && !goldText.isEmpty() && goldText.equals(plain(answer))) {
            return new Checked(Verdict.right(Reason.TEXT, shortened(gold), shortened(answer)), false, false);
        }
        return undecided(reason, gold, answer);
    }

    private Checked unreadable(Node expected, String gold, String answer, Reason reason) {
        boolean same = reason == Reason.ANSWER_NOT_UNDERSTOOD
                && !plain(gold).isEmpty()
                && plain(gold).equals(plain(answer));
        if (sameText && same) {
            return new Checked(Verdict.right(Reason.TEXT, shortened(gold), shortened(answer)), false, false);
        }
        if (choiceMatches(expected, answer)) {
            return new Checked(Verdict.right(Reason.TEXT, shortened(gold), shortened(answer)), false, false);
        }
        Verdict verdict = reason == Reason.MALFORMED && !endsInEqual(gold, answer)
                ? Verdict.wrong(reason, shortened(gold), shortened(answer))
                : Verdict.undecided(
                        reason == Reason.MALFORMED ? Reason.ANSWER_NOT_UNDERSTOOD : reason,
                        shortened(gold),
                        shortened(answer));
        return new Checked(verdict, TextAnswer.hasProse(answer), expected instanceof Node.Text);
    }

    /** Whether an answer that is not understood is an equation whose right side is the reference: P(A|B) = 1/2. */
    private boolean endsInEqual(String gold, String answer) {
        int equals = answer.lastIndexOf('=');
        return equals > 0
                && answer.indexOf('\n') < 0
                && isRight(gold, Reading.USUAL, answer.substring(equals + 1), Reading.USUAL);
    }

    /** Whether the reference is one capital letter and the answer begins with that choice. */
    private static boolean choiceMatches(Node expected, String answer) {
        if (!(expected instanceof Node.Symbol symbol)
                || symbol.name().length() != 1
                || !Character.isUpperCase(symbol.name().charAt(0))) {
            return false;
        }
        return symbol.name().equals(TextAnswer.choice(answer));
    }

    private static Verdict judge(Node expected, Node given, String gold, String answer, Budget budget) {
        Values values = new Values(budget);
        Shapes shapes = new Shapes(values, budget);
        Comparison comparison = new Comparison(values, budget);
        Shape goldShape;
        try {
            goldShape = shapes.shape(expected);
        } catch (Refusal refusal) {
            Reason reason = refusal.reason() == Reason.LIMIT ? Reason.LIMIT : Reason.GOLD_NOT_UNDERSTOOD;
            return Verdict.undecided(reason, shortened(gold), shortened(answer));
        }
        Shape answerShape;
        try {
            answerShape = shapes.shape(given);
        } catch (Refusal refusal) {
            boolean wrong = refusal.reason() == Reason.MALFORMED || refusal.reason() == Reason.UNDEFINED;
            return wrong
                    ? Verdict.wrong(refusal.reason(), shortened(gold), shortened(answer))
                    : Verdict.undecided(refusal.reason(), shortened(gold), shortened(answer));
        }
        Outcome outcome;
        try {
            outcome = comparison.compare(goldShape, answerShape);
        } catch (Refusal refusal) {
            outcome = Outcome.undecided(refusal.reason() == Reason.LIMIT ? Reason.LIMIT : Reason.ANSWER_NOT_UNDERSTOOD);
        }
        return new Verdict(
                outcome.kind(),
                outcome.reason(),
                describe(comparison, goldShape, gold),
                describe(comparison, answerShape, answer));
    }

    private static String describe(Comparison comparison, Shape shape, String text) {
        try {
            return shortened(comparison.describe(shape));
        } catch (Refusal refusal) {
            return shortened(text);
        }
    }

    private boolean isOtherReadingRight(Parser.Parsed expected, Parser.Parsed given, String gold, String answer) {
        Reading goldSecond = expected.second();
        Reading answerSecond = given.second();
        if (goldSecond == null && answerSecond == null) {
            return false;
        }
        // A decimal comma makes no whole number, and most references are whole.
        if (goldSecond == null && Reading.DECIMAL_COMMA.equals(answerSecond) && isWhole(expected.node())
                || answerSecond == null && Reading.DECIMAL_COMMA.equals(goldSecond) && isWhole(given.node())) {
            return false;
        }
        return goldSecond != null && isRight(gold, goldSecond, answer, Reading.USUAL)
                || answerSecond != null && isRight(gold, Reading.USUAL, answer, answerSecond)
                || goldSecond != null && answerSecond != null && isRight(gold, goldSecond, answer, answerSecond);
    }

    private static boolean isWhole(Node node) {
        return node instanceof Node.Numeral number && number.value().isInteger();
    }

    private boolean isRight(String gold, Reading goldReading, String answer, Reading answerReading) {
        try {
            Budget budget = new Budget(limits);
            Node expected = Parser.parse(gold, goldReading, budget).node();
            Node given = Parser.parse(answer, answerReading, budget).node();
            return judge(expected, given, gold, answer, budget).isRight();
        } catch (Refusal refusal) {
            return false;
        }
    }

    /** A text without the commands that only change its look and the spaces that separate nothing. */
    private static String plain(String text) {
        return text.length() > 4000
                ? ""
                : text.replace("\\left", "")
                        .replace("\\right", "")
                        .replace("\\dfrac", "\\frac")
                        .replace("\\tfrac", "\\frac")
                        .replace("\\,", "")
                        .replace("\\!", "")
                        .replace("\\;", "")
                        .replace("$", "")
                        .strip()
                        .replaceAll("\\s+", " ")
                        .replaceAll("(?<![A-Za-z0-9]) | (?![A-Za-z0-9])", "");
    }

    private static String shortened(String text) {
        return text.length() <= LONGEST_REPORT ? text : text.substring(0, LONGEST_REPORT) + "…";
    }
}

package org.minpro.verify;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Checks stored completions again and groups what a person should look at: verdicts that differ from the stored ones,
 * undecided ones, and decided ones that look false. Keeps a few examples of each group, so that a file of any size can be
 * audited. Not safe for several threads.
 */
public final class VerdictAudit {
    /** Why a person should look, the most urgent first. */
    public enum Finding {
        /** The present verdict is not the stored one. */
        DISAGREES,
        /** The answer cannot be judged. */
        UNDECIDED,
        /** The answer is judged, and another way to look at the completion says the opposite, or the rule was a weak one. */
        SUSPICIOUS,
        /** One answer is wrong again and again for one reference: which of the two is it? */
        FREQUENT
    }

    /**
     * One completion that was checked again.
     *
     * @param id names it for the person who looks at it
     * @param gold the reference as it stands
     * @param extracted the answer that was taken from the completion; empty where there is none
     * @param stored the stored verdict; null where none is stored
     * @param verdict what this check says
     * @param finding why to look
     * @param what the finding in words; cases of one group share them
     * @param times how often it was seen: more than once only where a group counts repetitions, and then this is the first
     */
    public record Case(
            String id,
            String gold,
            String extracted,
            Verdict.@Nullable Kind stored,
            Verdict verdict,
            Finding finding,
            String what,
            int times) {}

    /**
     * Cases that have their finding and its words in common.
     *
     * @param count all of them
     * @param examples the first of them with different references or answers
     */
    public record Group(Finding finding, String what, int count, List<Case> examples) {}

    private record Key(Finding finding, String what) {}

    /** One reference and one answer that is wrong for it. */
    private record Pair(String gold, String extracted) {}

    private static final class Repeated {
        private final Case first;
        private int count;

        Repeated(Case first) {
            this.first = first;
        }
    }

    private static final class Found {
        private final List<Case> examples = new ArrayList<>();
        private final Set<List<String>> shown = new HashSet<>();
        private int count;
    }

    /** Another way to find the answer in a completion. */
    private record Reader(ExtractionPolicy policy, Occurrence occurrence, Verifier verifier) {
        /** Whether a person marks an answer so, and does not just mention it. */
        boolean marked() {
            return policy == ExtractionPolicy.BOXED || policy == ExtractionPolicy.HASHES;
        }

        String words() {
            return "the " + word(occurrence) + " answer from " + word(policy);
        }
    }

    private static final String FREQUENT = "one answer, wrong for one reference, given at least three times";
    /** Fewer are an accident of sampling. */
    private static final int OFTEN = 3;
    /** Bounds the memory of an audit; files of that size have repeated what they repeat. */
    private static final int MOST_PAIRS = 200_000;

    private final Verifier verifier;
    private final List<Reader> readers = new ArrayList<>();
    private final int examples;
    private final Map<Key, Found> groups = new LinkedHashMap<>();
    private final Map<Pair, Repeated> wrong = new LinkedHashMap<>();
    private final int[] kinds = new int[Verdict.Kind.values().length];
    private int checked;
    private int stored;

    /**
     * An audit by this verifier.
     *
     * @param examples cases kept of each group
     */
    public VerdictAudit(Verifier verifier, int examples) {
        if (examples < 1) {
            throw new IllegalArgumentException("examples must be >= 1, got: " + examples);
        }
        this.verifier = verifier;
        this.examples = examples;
        for (ExtractionPolicy policy : ExtractionPolicy.values()) {
            for (Occurrence occurrence : Occurrence.values()) {
                // The first number of a completion is any number, and a whole text has no first one.
                boolean alike = policy == ExtractionPolicy.NUMBER || policy == ExtractionPolicy.WHOLE;
                if (occurrence == Occurrence.LAST || !alike) {
                    readers.add(new Reader(policy, occurrence, verifier.extractingBy(policy, occurrence)));
                }
            }
        }
    }

    /**
     * Checks one stored completion.
     *
     * @param before the stored verdict; null where none is stored
     * @return what a person should look at, the most urgent only
     */
    public Optional<Case> check(String id, String gold, String completion, Verdict.@Nullable Kind before) {
        Verifier.Judged judged = verifier.judge(gold, completion);
        Verdict verdict = judged.verdict();
        checked++;
        stored += before == null ? 0 : 1;
        kinds[verdict.kind().ordinal()]++;
        String sentence = verdict.reason().sentence();
        if (verdict.kind() == Verdict.Kind.WRONG && !judged.extracted().isEmpty()) {
            count(id, gold, before, judged);
        }
        Finding finding;
        String what;
        if (before != null && before != verdict.kind()) {
            finding = Finding.DISAGREES;
            what = "stored " + word(before) + ", now " + word(verdict.kind()) + ": " + sentence;
        } else if (!verdict.isDecided()) {
            finding = Finding.UNDECIDED;
            what = sentence;
        } else {
            what = verdict.isRight()
                    ? otherAnswer(gold, completion, judged)
                    : missedAnswer(gold, completion, judged.extracted());
            if (what == null) {
                return Optional.empty();
            }
            finding = Finding.SUSPICIOUS;
        }
        Case found = new Case(id, gold, judged.extracted(), before, verdict, finding, what, 1);
        Found group = groups.computeIfAbsent(new Key(finding, what), key -> new Found());
        group.count++;
        if (group.examples.size() < examples && group.shown.add(List.of(gold, found.extracted()))) {
            group.examples.add(found);
        }
        return Optional.of(found);
    }

    private void count(String id, String gold, Verdict.@Nullable Kind before, Verifier.Judged judged) {
        Pair pair = new Pair(gold, judged.extracted());
        Repeated repeated = wrong.get(pair);
        if (repeated == null && wrong.size() < MOST_PAIRS) {
            repeated = new Repeated(
                    new Case(id, gold, judged.extracted(), before, judged.verdict(), Finding.FREQUENT, "", 1));
            wrong.put(pair, repeated);
        }
        if (repeated != null) {
            repeated.count++;
        }
    }

    /** How a completion that is wrong may be right after all, or null. */
    private @Nullable String missedAnswer(String gold, String completion, String extracted) {
        String letters = letters(Verifier.reference(gold));
        if (!letters.isEmpty() && letters.equals(letters(extracted))) {
            return "wrong, and the same letters, digits and commands";
        }
        for (Reader reader : readers) {
            Verdict verdict = reader.verifier().judge(gold, completion).verdict();
            if (verdict.isRight() || verdict.reason() == Reason.SEVERAL) {
                return "wrong, and right by " + reader.words();
            }
        }
        return stands(Verifier.reference(gold).strip(), lastLine(completion))
                ? "wrong, and the reference stands in the last line"
                : null;
    }

    private static String letters(String text) {
        return TextAnswer.words(text).replace(" ", "");
    }

    /** How a completion that is right may have guessed, or by which weak rule it is right, or null. */
    private @Nullable String otherAnswer(String gold, String completion, Verifier.Judged judged) {
        String extracted = judged.extracted();
        for (Reader reader : readers) {
            if (reader.marked()) {
                Verifier.Judged other = reader.verifier().judge(gold, completion);
                boolean wrong = other.verdict().kind() == Verdict.Kind.WRONG;
                if (wrong && !other.extracted().isEmpty() && !other.extracted().equals(extracted)) {
                    return "right, and wrong by " + reader.words();
                }
            }
        }
        Reason reason = judged.verdict().reason();
        return reason == Reason.ROUNDED || reason == Reason.NUMERIC ? "right: " + reason.sentence() : null;
    }

    private static String lastLine(String completion) {
        String text = completion.strip();
        return text.substring(text.lastIndexOf('\n') + 1);
    }

    /** Whether a piece stands in a text and is no part of a longer word or number. */
    private static boolean stands(String piece, String text) {
        if (piece.isEmpty()) {
            return false;
        }
        boolean beginsInWord = Character.isLetterOrDigit(piece.charAt(0));
        boolean endsInWord = Character.isLetterOrDigit(piece.charAt(piece.length() - 1));
        for (int at = text.indexOf(piece); at >= 0; at = text.indexOf(piece, at + 1)) {
            int end = at + piece.length();
            boolean begun = beginsInWord
                    && at > 0
                    && (Character.isLetterOrDigit(text.charAt(at - 1)) || "-.".indexOf(text.charAt(at - 1)) >= 0);
            boolean goesOn = endsInWord && end < text.length() && continues(text, end);
            if (!begun && !goesOn) {
                return true;
            }
        }
        return false;
    }

    private static boolean continues(String text, int end) {
        return Character.isLetterOrDigit(text.charAt(end))
                || text.charAt(end) == '.' && end + 1 < text.length() && Character.isDigit(text.charAt(end + 1));
    }

    private static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    /** Completions checked so far. */
    public int checked() {
        return checked;
    }

    /** Completions checked so far that had a stored verdict. */
    public int stored() {
        return stored;
    }

    /** Completions of this verdict so far. */
    public int count(Verdict.Kind kind) {
        return kinds[kind.ordinal()];
    }

    /** What to look at, the most urgent finding first, then the largest group. */
    public List<Group> groups() {
        List<Group> all = new ArrayList<>(groups.entrySet().stream()
                .map(entry -> new Group(
                        entry.getKey().finding(),
                        entry.getKey().what(),
                        entry.getValue().count,
                        List.copyOf(entry.getValue().examples)))
                .sorted(Comparator.comparing(Group::finding)
                        .thenComparing(Group::count, Comparator.reverseOrder())
                        .thenComparing(Group::what))
                .toList());
        frequent().ifPresent(all::add);
        return List.copyOf(all);
    }

    /** The wrong answers that are given most often, the most frequent first. */
    private Optional<Group> frequent() {
        List<Repeated> often = wrong.values().stream()
                .filter(repeated -> repeated.count >= OFTEN)
                .sorted(Comparator.comparingInt((Repeated repeated) -> repeated.count)
                        .reversed())
                .toList();
        List<Case> cases = new ArrayList<>();
        for (Repeated repeated : often.subList(0, Math.min(examples, often.size()))) {
            Case first = repeated.first;
            cases.add(new Case(
                    first.id(),
                    first.gold(),
                    first.extracted(),
                    first.stored(),
                    first.verdict(),
                    Finding.FREQUENT,
                    FREQUENT,
                    repeated.count));
        }
        return often.isEmpty()
                ? Optional.empty()
                : Optional.of(new Group(Finding.FREQUENT, FREQUENT, often.size(), cases));
    }
}

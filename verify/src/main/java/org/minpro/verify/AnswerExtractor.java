package org.minpro.verify;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Finds the answer in a completion, by policies tried in order; one pass over the text each.
 *
 * <p>A policy that a completion's author optimises against must not reward a list of guesses: of several boxes the
 * first or the last counts, and what stands with the same right beside it is told to the verifier as a rival.
 */
public final class AnswerExtractor {
    /** The last box, else {@code ####}, else {@code answer is}, else the whole text, else the last formula or number. */
    public static final AnswerExtractor AUTOMATIC = new AnswerExtractor(
            List.of(
                    ExtractionPolicy.BOXED,
                    ExtractionPolicy.HASHES,
                    ExtractionPolicy.ANSWER_IS,
                    ExtractionPolicy.WHOLE,
                    ExtractionPolicy.FORMULA,
                    ExtractionPolicy.NUMBER),
            Occurrence.LAST);

    /** The last box only. */
    public static final AnswerExtractor LAST_BOXED =
            new AnswerExtractor(List.of(ExtractionPolicy.BOXED), Occurrence.LAST);

    /** The last number only, as word problems are scored. */
    public static final AnswerExtractor LAST_NUMBER =
            new AnswerExtractor(List.of(ExtractionPolicy.NUMBER), Occurrence.LAST);

    private static final String[] STOP_WORDS = {
        " because",
        " since ",
        " as ",
        " which ",
        " so ",
        " where ",
        " when ",
        " for ",
        " if ",
        " that ",
        " but ",
        ", not ",
        " i.e",
        " e.g",
        " although ",
        " whereas "
    };

    private static final int MOST_BOXES = 20;
    private static final Pattern JOINS = Pattern.compile("\\\\(?:text|quad|[()\\[\\],;])|[\\s${}*]");

    private final List<ExtractionPolicy> policies;
    private final Occurrence occurrence;
    private final CompletionMarks marks;
    private final PartFinder parts;

    public AnswerExtractor(List<ExtractionPolicy> policies, Occurrence occurrence) {
        this(policies, occurrence, CompletionMarks.STANDARD);
    }

    /**
     * An extractor.
     *
     * @param policies places to look at, in order
     * @param occurrence which of several answers counts
     * @param marks what names the part of a completion that is looked at
     */
    public AnswerExtractor(List<ExtractionPolicy> policies, Occurrence occurrence, CompletionMarks marks) {
        if (policies.isEmpty()) {
            throw new IllegalArgumentException("policies must name at least one policy, got: none");
        }
        this.policies = List.copyOf(policies);
        this.occurrence = occurrence;
        this.marks = marks;
        this.parts = new PartFinder(marks);
    }

    public List<ExtractionPolicy> policies() {
        return policies;
    }

    public Occurrence occurrence() {
        return occurrence;
    }

    public CompletionMarks marks() {
        return marks;
    }

    /** This extractor with other marks. */
    public AnswerExtractor reading(CompletionMarks other) {
        return new AnswerExtractor(policies, occurrence, other);
    }

    /** What the first policy finds that finds anything. */
    public Optional<ExtractedAnswer> extract(String completion) {
        String text = plain(part(completion).text());
        for (ExtractionPolicy policy : policies) {
            Candidate candidate = candidate(policy, text);
            if (candidate != null) {
                return Optional.of(new ExtractedAnswer(candidate.text(), policy));
            }
        }
        return Optional.empty();
    }

    /** The part of a completion that is looked at. */
    JudgedPart part(String completion) {
        return parts.find(completion);
    }

    /** A part without the marks of Markdown and HTML, as {@link #candidate} reads it. */
    String plain(String part) {
        return marks.equals(CompletionMarks.NONE) ? part : Markup.strip(part);
    }

    /** What a policy finds in a plain part, or null. */
    @Nullable Candidate candidate(ExtractionPolicy policy, String text) {
        return switch (policy) {
            case BOXED -> boxed(text);
            case HASHES -> of(policy, text, afterHashes(text));
            case ANSWER_IS -> of(policy, text, afterPhrase(text));
            case WHOLE -> text.isBlank() ? null : of(policy, text, new Piece(text.strip(), 0, text.length()));
            case FORMULA -> of(policy, text, ProseFormula.find(text, occurrence));
            case NUMBER -> of(policy, text, WholeNumber.find(text, occurrence));
        };
    }

    private static @Nullable Candidate of(ExtractionPolicy policy, String source, @Nullable Piece piece) {
        return piece == null
                ? null
                : new Candidate(bare(piece.text()), policy, piece.rivals(), true, source, piece.start(), piece.end());
    }

    /** A text without the quotes and marks of emphasis around the whole of it. */
    private static String bare(String text) {
        String inner = text.strip();
        while (inner.length() > 2) {
            char first = inner.charAt(0);
            int end = inner.length() - (inner.endsWith(".") || inner.endsWith(",") ? 1 : 0);
            char last = inner.charAt(end - 1);
            boolean pair = last == closing(first) && inner.indexOf(last, 1) == end - 1;
            boolean bold = end > 4 && inner.startsWith("**") && inner.indexOf("**", 2) == end - 2;
            if (bold) {
                inner = inner.substring(2, end - 2).strip();
            } else if (pair && end > 2) {
                inner = inner.substring(1, end - 1).strip();
            } else {
                break;
            }
        }
        return withoutStray(inner);
    }

    /** A text without a mark of emphasis at one end whose partner is missing. */
    private static String withoutStray(String text) {
        int from = 0;
        int to = text.length();
        while (from < to && "*_".indexOf(text.charAt(from)) >= 0) {
            from++;
        }
        while (to > from && text.charAt(to - 1) == '*') {
            to--;
        }
        return from == to ? text : text.substring(from, to);
    }

    private static char closing(char open) {
        return switch (open) {
            case '`', '"', '\'' -> open;
            case '\u201c', '\u201e' -> '\u201d';
            case '\u2018' -> '\u2019';
            case '\u00ab' -> '\u00bb';
            case '\u300c' -> '\u300d';
            case '\u300e' -> '\u300f';
            case '\u3010' -> '\u3011';
            default -> '\u0000';
        };
    }

    private @Nullable Candidate boxed(String text) {
        Boxes found = Boxes.of(text);
        List<Boxes.Box> boxes = found.boxes();
        if (boxes.isEmpty()) {
            return null;
        }
        int from = occurrence == Occurrence.LAST ? boxes.size() - 1 : 0;
        int to = from;
        while (occurrence == Occurrence.LAST
                && from > 0
                && joins(text, boxes.get(from - 1).end(), boxes.get(from).start())) {
            from--;
        }
        while (occurrence == Occurrence.FIRST
                && to + 1 < boxes.size()
                && joins(text, boxes.get(to).end(), boxes.get(to + 1).start())) {
            to++;
        }
        List<String> contents = new ArrayList<>();
        for (Boxes.Box box : boxes.subList(from, Math.min(to + 1, from + MOST_BOXES))) {
            add(contents, bare(box.content(text)));
        }
        List<String> rivals = new ArrayList<>();
        for (int i = 0; i < boxes.size() && rivals.size() < MOST_BOXES; i++) {
            String content = i >= from && i <= to ? "" : bare(boxes.get(i).content(text));
            if (!content.isEmpty() && !contents.contains(content)) {
                add(rivals, content);
            }
        }
        return new Candidate(
                String.join(", ", contents),
                ExtractionPolicy.BOXED,
                rivals,
                !found.open() || occurrence == Occurrence.FIRST,
                text,
                boxes.get(from).start(),
                boxes.get(to).end());
    }

    private static void add(List<String> contents, String content) {
        if (!contents.contains(content)) {
            contents.add(content);
        }
    }

    /** Whether what stands between two boxes makes them one list. */
    private static boolean joins(String text, int from, int to) {
        if (to - from > 60) {
            return false;
        }
        String between = JOINS.matcher(text.substring(from, to)).replaceAll("");
        return between.equals(",")
                || between.equals("and")
                || between.equals("or")
                || between.equals(",and")
                || between.equals(",or");
    }

    private @Nullable Piece afterHashes(String text) {
        int at = occurrence == Occurrence.LAST ? text.lastIndexOf("####") : text.indexOf("####");
        if (at < 0) {
            return null;
        }
        int from = at + 4;
        int line = text.indexOf('\n', from);
        int end = line < 0 ? text.length() : line;
        String rest = text.substring(from, end).strip();
        // Above more text, words are a heading.
        boolean heading = TextAnswer.hasWord(rest) && !text.substring(end).isBlank();
        return rest.isEmpty() || heading ? null : new Piece(rest, at, end);
    }

    private @Nullable Piece afterPhrase(String text) {
        AnswerPhrase phrase = occurrence == Occurrence.LAST ? AnswerPhrase.last(text) : AnswerPhrase.first(text);
        if (phrase == null) {
            return null;
        }
        Piece piece = mathOrSentence(text, skipMarks(text, phrase.end()));
        return piece.text().isBlank() || piece.text().startsWith("not ") ? null : piece;
    }

    private static int skipMarks(String text, int from) {
        int i = from;
        while (i < text.length()
                && (Character.isWhitespace(text.charAt(i)) || ":*=_}\uff1a".indexOf(text.charAt(i)) >= 0)) {
            i++;
        }
        return i;
    }

    /** The formula that stands at a place, else the sentence from there up to a word that starts an explanation. */
    private static Piece mathOrSentence(String text, int start) {
        String[][] fences = {{"$$", "$$"}, {"\\(", "\\)"}, {"\\[", "\\]"}, {"$", "$"}};
        for (String[] fence : fences) {
            if (!text.startsWith(fence[0], start)) {
                continue;
            }
            int from = start + fence[0].length();
            int end = text.indexOf(fence[1], from);
            int line = fence[0].equals("$") ? text.indexOf('\n', from) : -1;
            if (end > from && (line < 0 || end < line) && !listFollows(text, end + fence[1].length())) {
                return new Piece(text.substring(from, end), start, end + fence[1].length());
            }
        }
        int end = sentenceEnd(text, start);
        String sentence = text.substring(start, end);
        String lower = sentence.toLowerCase(Locale.ROOT);
        for (String word : STOP_WORDS) {
            int at = lower.indexOf(word);
            if (at >= 0) {
                sentence = sentence.substring(0, at);
                lower = lower.substring(0, at);
            }
        }
        return new Piece(sentence.replace("**", ""), start, start + sentence.length());
    }

    private static boolean listFollows(String text, int at) {
        String after = text.substring(at, Math.min(text.length(), at + 12)).stripLeading();
        return after.startsWith(",") && after.indexOf('$') >= 0 || after.startsWith("and") || after.startsWith("or");
    }

    private static int sentenceEnd(String text, int start) {
        for (int i = start; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean stop = c == '\n'
                    || c == '\u3002'
                    || c == '\uff0c' && (i + 1 == text.length() || !Character.isDigit(text.charAt(i + 1)))
                    || (c == '.' || c == '!' || c == '?')
                            && (i + 1 == text.length()
                                    || Character.isWhitespace(text.charAt(i + 1))
                                    || text.charAt(i + 1) == '*');
            if (stop && !(c == '!' && i > 0 && Character.isLetterOrDigit(text.charAt(i - 1)))) {
                return i;
            }
        }
        return text.length();
    }
}

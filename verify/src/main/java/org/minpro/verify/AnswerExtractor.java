package org.minpro.verify;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Finds the answer in a completion, by policies tried in order; one pass over the text each.
 *
 * <p>A policy that a completion's author optimises against must not reward a list of guesses: of several boxes the
 * first or the last counts, and boxes joined by a comma or {@code and} are one list of answers.
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

    private static final String[] BOXES = {"\\boxed", "\\fbox"};
    private static final String[] PHRASES = {
        "answer is", "answers are", "answer:", "answer :", "answers:", "correct option is", "correct choice is"
    };
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
        ", not "
    };

    private static final List<String> CLOSES = List.of("$", "$$", "\\)", "\\]");
    private static final int LONGEST_FORMULA = 1000;
    private static final Pattern FONT = Pattern.compile("\\\\(?:text|textbf|mathrm|mbox|operatorname)\\{[^{}]*}");
    private static final Pattern MATHEMATICS = Pattern.compile("[\\\\^_{}]|^-?[0-9.]+[bcefijnqrtuvwxyz\u03c0][.,;]?$");
    private static final Pattern ALTERNATIVE = Pattern.compile("[$*\\s,]{0,4}or[$*\\s]{1,4}");

    private final List<ExtractionPolicy> policies;
    private final Occurrence occurrence;

    public AnswerExtractor(List<ExtractionPolicy> policies, Occurrence occurrence) {
        if (policies.isEmpty()) {
            throw new IllegalArgumentException("policies must name at least one policy, got: none");
        }
        this.policies = List.copyOf(policies);
        this.occurrence = occurrence;
    }

    public List<ExtractionPolicy> policies() {
        return policies;
    }

    public Occurrence occurrence() {
        return occurrence;
    }

    /** What the first policy finds that finds anything. */
    public Optional<ExtractedAnswer> extract(String completion) {
        List<ExtractedAnswer> found = candidates(completion);
        return found.isEmpty() ? Optional.empty() : Optional.of(found.get(0));
    }

    /** What each policy finds, in the policies' order; a box or {@code ####} makes the later policies moot. */
    List<ExtractedAnswer> candidates(String completion) {
        List<ExtractedAnswer> found = new ArrayList<>();
        for (ExtractionPolicy policy : policies) {
            String text = switch (policy) {
                case BOXED -> boxed(completion);
                case HASHES -> afterHashes(completion);
                case ANSWER_IS -> afterPhrase(completion);
                case WHOLE -> completion.isBlank() ? null : completion.strip();
                case FORMULA -> formula(completion);
                case NUMBER -> number(completion);
            };
            if (text != null) {
                found.add(new ExtractedAnswer(withoutEmphasis(text), policy));
                if (policy == ExtractionPolicy.BOXED || policy == ExtractionPolicy.HASHES) {
                    break;
                }
            }
        }
        return found;
    }

    /** A text that is set in bold as a whole, without its marks. */
    private static String withoutEmphasis(String text) {
        if (text.length() > 2 && text.startsWith("`") && text.indexOf('`', 1) == text.length() - 1) {
            return text.substring(1, text.length() - 1).strip();
        }
        int end = text.endsWith(".") ? text.length() - 1 : text.length();
        return end > 4 && text.startsWith("**") && text.indexOf("**", 2) == end - 2
                ? text.substring(2, end - 2).strip()
                : text;
    }

    private record Box(int start, int contentStart, int contentEnd, int end) {}

    private @Nullable String boxed(String text) {
        List<Box> boxes = boxes(text);
        if (boxes.isEmpty()) {
            return null;
        }
        int from = occurrence == Occurrence.LAST ? boxes.size() - 1 : 0;
        int to = from;
        if (occurrence == Occurrence.LAST) {
            while (from > 0
                    && joins(text, boxes.get(from - 1).end(), boxes.get(from).start())) {
                from--;
            }
        } else {
            while (to + 1 < boxes.size()
                    && joins(text, boxes.get(to).end(), boxes.get(to + 1).start())) {
                to++;
            }
        }
        List<String> contents = new ArrayList<>();
        for (Box box : boxes.subList(from, to + 1)) {
            String content =
                    text.substring(box.contentStart(), box.contentEnd()).strip();
            if (!contents.contains(content)) {
                contents.add(content);
            }
            if (contents.size() > 64) {
                break;
            }
        }
        return String.join(", ", contents);
    }

    /** The outermost balanced boxes in order. */
    private static List<Box> boxes(String text) {
        List<Box> boxes = new ArrayList<>();
        List<int[]> open = new ArrayList<>(); // {position of the brace, start of the box or -1}
        int pendingBox = -1;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\') {
                int end = boxCommandEnd(text, i);
                if (end > 0) {
                    int next = skipSpaces(text, end);
                    if (next < text.length() && text.charAt(next) == '{') {
                        pendingBox = i;
                        i = next - 1;
                    } else if (next < text.length() && Character.isLetterOrDigit(text.charAt(next))) {
                        addBox(boxes, new Box(i, next, next + 1, next + 1));
                        i = next;
                    } else {
                        i = end - 1;
                    }
                } else {
                    i++; // an escaped brace is a character of the answer
                }
            } else if (c == '{') {
                open.add(new int[] {i, pendingBox});
                pendingBox = -1;
            } else if (c == '}' && !open.isEmpty()) {
                int[] brace = open.remove(open.size() - 1);
                if (brace[1] >= 0) {
                    addBox(boxes, new Box(brace[1], brace[0] + 1, i, i + 1));
                }
            }
        }
        return boxes;
    }

    private static void addBox(List<Box> boxes, Box box) {
        while (!boxes.isEmpty() && boxes.get(boxes.size() - 1).start() > box.start()) {
            boxes.remove(boxes.size() - 1);
        }
        boxes.add(box);
    }

    private static int boxCommandEnd(String text, int at) {
        for (String command : BOXES) {
            int end = at + command.length();
            if (text.startsWith(command, at) && (end == text.length() || !Character.isLetter(text.charAt(end)))) {
                return end;
            }
        }
        return -1;
    }

    private static int skipSpaces(String text, int at) {
        int i = at;
        while (i < text.length() && Character.isWhitespace(text.charAt(i))) {
            i++;
        }
        return i;
    }

    /** Whether what stands between two boxes makes them one list. */
    private static boolean joins(String text, int from, int to) {
        if (to - from > 60) {
            return false;
        }
        String between = text.substring(from, to)
                .replace("\\text", "")
                .replace("\\quad", "")
                .replace("\\(", "")
                .replace("\\)", "")
                .replaceAll("[\\s${}*]", "");
        return between.equals(",")
                || between.equals("and")
                || between.equals("or")
                || between.equals(",and")
                || between.equals(",or");
    }

    private @Nullable String afterHashes(String text) {
        int at = occurrence == Occurrence.LAST ? text.lastIndexOf("####") : text.indexOf("####");
        if (at < 0) {
            return null;
        }
        int from = at + 4;
        int end = text.indexOf('\n', from);
        String rest = text.substring(from, end < 0 ? text.length() : end).strip();
        return rest.isEmpty() ? null : rest;
    }

    private @Nullable String afterPhrase(String text) {
        int from = -1;
        for (String phrase : PHRASES) {
            int at = indexOfIgnoringCase(text, phrase, occurrence);
            if (at >= 0) {
                int end = at + phrase.length();
                if (from < 0 || (occurrence == Occurrence.LAST ? end > from : end < from)) {
                    from = end;
                }
            }
        }
        if (from < 0) {
            return null;
        }
        String rest = text.substring(skipMarks(text, from));
        String phrase = mathOrSentence(rest);
        return phrase.isBlank() || phrase.startsWith("not ") ? null : phrase.strip();
    }

    private static int indexOfIgnoringCase(String text, String phrase, Occurrence occurrence) {
        int last = text.length() - phrase.length();
        if (occurrence == Occurrence.LAST) {
            for (int i = last; i >= 0; i--) {
                if (text.regionMatches(true, i, phrase, 0, phrase.length())) {
                    return i;
                }
            }
        } else {
            for (int i = 0; i <= last; i++) {
                if (text.regionMatches(true, i, phrase, 0, phrase.length())) {
                    return i;
                }
            }
        }
        return -1;
    }

    private static int skipMarks(String text, int from) {
        int i = from;
        while (i < text.length() && (Character.isWhitespace(text.charAt(i)) || ":*=_".indexOf(text.charAt(i)) >= 0)) {
            i++;
        }
        return i;
    }

    /** The formula that the text begins with, else its first sentence up to a word that starts an explanation. */
    private static String mathOrSentence(String rest) {
        String[][] fences = {{"$$", "$$"}, {"\\(", "\\)"}, {"\\[", "\\]"}};
        for (String[] fence : fences) {
            if (rest.startsWith(fence[0])) {
                int end = rest.indexOf(fence[1], fence[0].length());
                if (end > 0) {
                    return rest.substring(fence[0].length(), end);
                }
            }
        }
        if (rest.startsWith("$")) {
            int end = rest.indexOf('$', 1);
            int line = rest.indexOf('\n');
            if (end > 0 && (line < 0 || end < line)) {
                String after = rest.substring(end + 1, Math.min(rest.length(), end + 12));
                boolean list = after.stripLeading().startsWith(",")
                        || after.stripLeading().startsWith("and")
                        || after.stripLeading().startsWith("or");
                if (!list) {
                    return rest.substring(1, end);
                }
            }
        }
        int end = rest.length();
        for (int i = 0; i < rest.length(); i++) {
            char c = rest.charAt(i);
            boolean stop = c == '\n'
                    || (c == '.' || c == '!' || c == '?')
                            && (i + 1 == rest.length()
                                    || Character.isWhitespace(rest.charAt(i + 1))
                                    || rest.charAt(i + 1) == '*');
            if (stop && !(c == '!' && i > 0 && Character.isLetterOrDigit(rest.charAt(i - 1)))) {
                end = i;
                break;
            }
        }
        String sentence = rest.substring(0, end);
        String lower = sentence.toLowerCase(java.util.Locale.ROOT);
        for (String word : STOP_WORDS) {
            int at = lower.indexOf(word);
            if (at >= 0) {
                sentence = sentence.substring(0, at);
                lower = lower.substring(0, at);
            }
        }
        return sentence.replace("**", "");
    }

    /**
     * The formula between dollar signs or in \\(…\\) that the text's first or last number stands in, else the number with
     * what is written to it without a space; null where that is the number alone. It keeps the 3 of {@code 2\sqrt{3}} from
     * being an answer.
     */
    private @Nullable String formula(String text) {
        int end = -1;
        int start = -1;
        for (int i = 0; i < text.length(); i++) {
            int numberEnd = NumberScanner.end(text, i);
            if (numberEnd > i) {
                start = i;
                end = numberEnd;
                if (occurrence == Occurrence.FIRST) {
                    break;
                }
                i = numberEnd - 1;
            }
        }
        List<Box> spans = spans(text);
        if (!spans.isEmpty()) {
            int last = occurrence == Occurrence.LAST ? spans.size() - 1 : 0;
            boolean holdsNumber = occurrence == Occurrence.LAST
                    ? end <= spans.get(last).end()
                    : start < 0 || start >= spans.get(last).start();
            if (holdsNumber) {
                int first = last;
                while (occurrence == Occurrence.LAST
                        && first > 0
                        && joins(
                                text,
                                spans.get(first - 1).end(),
                                spans.get(first).start())) {
                    first--;
                }
                List<String> contents = new ArrayList<>();
                for (Box span : spans.subList(first, last + 1)) {
                    contents.add(text.substring(span.contentStart(), span.contentEnd())
                            .strip());
                }
                return String.join(", ", contents);
            }
        }
        if (start < 0) {
            return null;
        }
        while (start > 0 && !Character.isWhitespace(text.charAt(start - 1))) {
            start--;
        }
        while (end < text.length() && !Character.isWhitespace(text.charAt(end))) {
            end++;
        }
        String cluster = text.substring(start, end);
        return cluster.length() < 200 && MATHEMATICS.matcher(cluster).find() ? cluster : null;
    }

    /** The formulas of one line between marks, without those that hold words: {@code $5 to $7} is money. */
    private static List<Box> spans(String text) {
        List<Box> spans = new ArrayList<>();
        int[] next = new int[CLOSES.size()]; // where the next mark of each kind stands, so that none is sought twice
        int i = 0;
        while (i + 1 < text.length()) {
            String close = null;
            int from = i + 1;
            if (text.charAt(i) == '$') {
                boolean display = text.charAt(i + 1) == '$';
                close = display ? "$$" : "$";
                from = display ? i + 2 : i + 1;
            } else if (text.charAt(i) == '\\') {
                char c = text.charAt(i + 1);
                close = c == '(' ? "\\)" : c == '[' ? "\\]" : null;
                from = i + 2;
            }
            if (close == null) {
                i = text.charAt(i) == '\\' ? i + 2 : i + 1;
                continue;
            }
            int kind = CLOSES.indexOf(close);
            if (next[kind] < from) {
                next[kind] = closeAfter(text, close, from);
            }
            int until = next[kind] - from > LONGEST_FORMULA ? -1 : next[kind];
            if (next[kind] == text.length()) {
                until = -1;
            }
            String content = until < 0 ? "" : text.substring(from, until);
            if (content.isBlank() || TextAnswer.hasProse(FONT.matcher(content).replaceAll(""))) {
                i = from;
            } else {
                spans.add(new Box(i, from, until, until + close.length()));
                i = until + close.length();
            }
        }
        return spans;
    }

    /** The position of a mark that closes a formula, or the text's length. */
    private static int closeAfter(String text, String close, int from) {
        int at = text.indexOf(close, from);
        while (at > 0 && close.equals("$") && text.charAt(at - 1) == '\\') {
            at = text.indexOf(close, at + 1);
        }
        return at < 0 ? text.length() : at;
    }

    private static boolean isDenied(String text, int number) {
        return text.startsWith("not ", number - 4) || text.startsWith("not $", number - 5);
    }

    private @Nullable String number(String text) {
        String found = null;
        int from = -1;
        int last = 0;
        int i = 0;
        while (i < text.length()) {
            int end = NumberScanner.end(text, i);
            if (end > i && isDenied(text, i)) {
                i = end;
            } else if (end > i) {
                // "6 or 7" is one answer of two numbers, and not the last of them.
                boolean alternative = found != null
                        && from >= 0
                        && ALTERNATIVE.matcher(text.substring(last, i)).matches();
                from = alternative ? from : i;
                last = end;
                found = text.substring(from, end);
                if (occurrence == Occurrence.FIRST) {
                    return found;
                }
                i = end;
            } else {
                i++;
            }
        }
        return found;
    }
}

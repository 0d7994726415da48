package org.minpro.verify;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Finds the part of a completion that is judged: what stands before a stop text, before the end of the turn and before a
 * question that the model invents, behind the last closing mark of thinking, and of that the last answer between marks.
 */
final class PartFinder {
    private static final Pattern TURN = Pattern.compile(
            "(?:(?:new|next|another|follow-?up|second|third|final)\\s+)?"
                    + "(?:question|problem|exercise|task|puzzle|query|q|user|human|student|customer|instruction|prompt|input|example(?=\\s*\\d)"
                    + "|frage|aufgabe|pregunta|problema|ejercicio|exercice|probl\u00e8me|domanda|esercizio|pergunta|quest\u00e3o"
                    + "|\u0432\u043e\u043f\u0440\u043e\u0441|\u0437\u0430\u0434\u0430\u0447\u0430|\u95ee\u9898|\u95ee|\u9898\u76ee|\u9898|\u554f\u984c|\u554f"
                    + "|\uc9c8\ubb38|\ubb38\uc81c|\u0633\u0624\u0627\u0644|\u0627\u0644\u0633\u0624\u0627\u0644)"
                    + "\\s*(?:#|no\\.?|n\u00b0)?\\s*\\d{0,4}[*_\\]]{0,3}\\s*(?:[:\uff1a]|(?<=\\d[*_\\]]{0,3}\\s{0,3})[.)]|(?<=\\d[*_\\]]{0,3})\\h*\\R)",
            Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE);
    /** A heading alone in its line. */
    private static final Pattern HEADING = Pattern.compile(
            "(?:(?:new|next|another|follow-?up|second|third)\\s+)?(?:question|problem|exercise|task|puzzle)\\h*[*_#\\]]{0,4}\\h*\\R",
            Pattern.CASE_INSENSITIVE);

    private static final Pattern LABELLED_ANSWER =
            Pattern.compile("(?:^|\\n)[ \\t*_#]{0,6}A(?:[:.]|nswer[*_#]{0,4}\\h*\\R)");
    private static final Pattern SPACED_TAG = Pattern.compile(
            "<\\s?(/?)\\s?(think(?:ing)?|thoughts?|reason(?:ing)?|analysis|scratchpad|answer|final_answer|ans)\\s?>",
            Pattern.CASE_INSENSITIVE);
    private static final int LONGEST_HEADING = 40;
    private static final Pattern TOKEN = Pattern.compile("<[|\uff5c][\\w\u2581/ .-]{3,40}[|\uff5c]>");
    private static final Pattern ROLE =
            Pattern.compile("\\s*(?:assistant|model|bot)\\s*[:\n]\\s*", Pattern.CASE_INSENSITIVE);
    private static final Pattern LABEL = Pattern.compile(
            "(?:step|part|case|phase|example|method)\\s*\\d+|\\(?\\d{1,2}[.)]\\s", Pattern.CASE_INSENSITIVE);
    private static final String LINE_MARKS = " \t*_#>-[(\u2022";

    private static final char END = '\u0000'; // in the place of a mark's second character where it has one only

    private final CompletionMarks marks;
    private final String firsts;
    private final String seconds;

    PartFinder(CompletionMarks marks) {
        this.marks = marks;
        StringBuilder first = new StringBuilder("<<");
        StringBuilder second = new StringBuilder("|\uff5c"); // <|name|>
        List<String> all = new ArrayList<>(marks.ends());
        for (List<CompletionMarks.Pair> pairs : List.of(marks.thinking(), marks.answer())) {
            pairs.forEach(pair -> all.addAll(List.of(pair.open(), pair.close())));
        }
        for (String mark : all) {
            String lower = lowered(mark + END);
            if (!mark.isEmpty()) {
                first.append(lower.charAt(0));
                second.append(lower.charAt(1));
            }
        }
        this.firsts = first.toString();
        this.seconds = second.toString();
    }

    /** A mark of thinking at its place. */
    private record Thinking(int start, int end, boolean closes) {}

    /** The part of this completion that is judged. */
    JudgedPart find(String completion) {
        if (marks.equals(CompletionMarks.NONE)) {
            return new JudgedPart(completion, null);
        }
        String text = beforeStops(completion);
        if (!mayHoldMarks(text)) {
            if (marks.thinkingOpened()) {
                return JudgedPart.NOTHING;
            }
            boolean oneTurn = text.indexOf('\n') < 0 && text.indexOf(':') < 0 && text.indexOf('\uff1a') < 0;
            return oneTurn ? new JudgedPart(text, null) : behindThinking(text, lowered(text), List.of());
        }
        String lower = lowered(text);
        if (text.indexOf(" >") >= 0 || text.indexOf("</ ") >= 0) {
            text = SPACED_TAG.matcher(text).replaceAll("<$1$2>");
            lower = lowered(text);
        }
        List<Thinking> thinking = thinking(lower);
        int end = endOfTurn(lower, thinking);
        return behindThinking(
                text.substring(0, end),
                lower.substring(0, end),
                thinking.stream().filter(mark -> mark.end() <= end).toList());
    }

    private String beforeStops(String text) {
        int end = text.length();
        for (String stop : marks.stops()) {
            int at = text.indexOf(stop);
            end = at >= 0 ? Math.min(at, end) : end;
        }
        return text.substring(0, end);
    }

    /** In lower case and of the same length, unlike {@link String#toLowerCase()}. */
    private static String lowered(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.toLowerCase(text.charAt(i)) != text.charAt(i)) {
                char[] characters = text.toCharArray();
                for (int j = i; j < characters.length; j++) {
                    characters[j] = Character.toLowerCase(characters[j]);
                }
                return new String(characters);
            }
        }
        return text;
    }

    /** Whether some mark may begin somewhere: most answers have brackets and none of the marks' first two characters. */
    private boolean mayHoldMarks(String text) {
        for (int i = 0; i < text.length(); i++) {
            int first = firsts.indexOf(Character.toLowerCase(text.charAt(i)));
            char next = first >= 0 && i + 1 < text.length() ? Character.toLowerCase(text.charAt(i + 1)) : END;
            while (first >= 0) {
                char second = seconds.charAt(first);
                if (second == next || second == END) {
                    return true;
                }
                first = firsts.indexOf(Character.toLowerCase(text.charAt(i)), first + 1);
            }
        }
        return false;
    }

    private List<Thinking> thinking(String lower) {
        List<Thinking> found = new ArrayList<>();
        for (CompletionMarks.Pair pair : marks.thinking()) {
            addAll(found, lower, lowered(pair.open()), false);
            addAll(found, lower, lowered(pair.close()), true);
        }
        found.sort(Comparator.comparingInt(Thinking::start));
        return found;
    }

    private static void addAll(List<Thinking> found, String lower, String mark, boolean closes) {
        int at = mark.isEmpty() ? -1 : lower.indexOf(mark);
        while (at >= 0) {
            found.add(new Thinking(at, at + mark.length(), closes));
            at = lower.indexOf(mark, at + mark.length());
        }
    }

    /** Whether a place is inside thinking: behind an opening mark, or before a closing one that no mark precedes. */
    private boolean isInside(List<Thinking> thinking, int place) {
        Thinking before = null;
        for (Thinking mark : thinking) {
            if (mark.end() > place) {
                return before != null ? !before.closes() : mark.closes();
            }
            before = mark;
        }
        return before != null ? !before.closes() : marks.thinkingOpened();
    }

    /** Where the first mark stands that ends a turn which has said something. */
    private int endOfTurn(String lower, List<Thinking> thinking) {
        List<int[]> ends = new ArrayList<>();
        for (String mark : marks.ends()) {
            for (int at = lower.indexOf(mark); at >= 0; at = lower.indexOf(mark, at + 1)) {
                ends.add(new int[] {at, at + mark.length()});
            }
        }
        if (lower.indexOf("<|") >= 0 || lower.indexOf("<\uff5c") >= 0) {
            Matcher matcher = TOKEN.matcher(lower);
            while (matcher.find()) {
                if (!isOtherMark(lower, matcher.start())) {
                    ends.add(new int[] {matcher.start(), matcher.end()});
                }
            }
        }
        ends.sort(Comparator.comparingInt(end -> end[0]));
        for (int[] end : ends) {
            if (!isInside(thinking, end[0]) && says(lower, from(thinking, end[0]), end[0])) {
                return end[0];
            }
        }
        return lower.length();
    }

    private boolean isOtherMark(String lower, int at) {
        for (List<CompletionMarks.Pair> pairs : List.of(marks.thinking(), marks.answer())) {
            for (CompletionMarks.Pair pair : pairs) {
                if (!pair.open().isEmpty() && lower.startsWith(lowered(pair.open()), at)
                        || lower.startsWith(lowered(pair.close()), at)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Whether there is text besides marks such as {@code <|im_start|>assistant}. */
    private static boolean says(String lower, int from, int until) {
        int i = skipOpening(lower, from);
        return i < until && !lower.substring(i, until).isBlank();
    }

    /** Behind marks that open the model's turn. */
    private static int skipOpening(String text, int from) {
        int i = from;
        while (true) {
            while (i < text.length() && Character.isWhitespace(text.charAt(i))) {
                i++;
            }
            int next = i;
            for (String opening : new String[] {"<bos>", "<start_of_turn>", "[/INST]"}) {
                if (text.regionMatches(true, i, opening, 0, opening.length())) {
                    next = i + opening.length();
                }
            }
            if (next == i && text.startsWith("<", i)) {
                Matcher token = TOKEN.matcher(text).region(i, text.length());
                next = token.lookingAt() ? token.end() : i;
            }
            if (next == i) {
                return i;
            }
            Matcher role = ROLE.matcher(text).region(next, text.length());
            i = role.lookingAt() ? role.end() : next;
        }
    }

    /** Where the text begins that the last closing mark before a place leaves. */
    private static int from(List<Thinking> thinking, int place) {
        int from = 0;
        for (Thinking mark : thinking) {
            if (mark.closes() && mark.end() <= place) {
                from = mark.end();
            }
        }
        return from;
    }

    private JudgedPart behindThinking(String text, String lower, List<Thinking> thinking) {
        Cut cut = inventedQuestion(text, lower, thinking);
        String judged = behindThinking(text, lower, thinking, cut == null ? text.length() : cut.at());
        return new JudgedPart(
                judged, cut == null || cut.certain() ? null : behindThinking(text, lower, thinking, text.length()));
    }

    private String behindThinking(String text, String lower, List<Thinking> thinking, int end) {
        List<Thinking> before =
                thinking.stream().filter(mark -> mark.end() <= end).toList();
        boolean open = before.isEmpty()
                ? marks.thinkingOpened()
                : !before.get(before.size() - 1).closes();
        if (open) {
            return "";
        }
        int from = from(before, end);
        if (lower.indexOf('<', from) >= 0) {
            from = Math.min(end, skipOpening(text, from));
        }
        return answer(text, lower, from, end);
    }

    /** What stands between the last marks of an answer, of which one may be missing; the whole where there are none. */
    private String answer(String text, String lower, int from, int end) {
        int start = -1;
        int until = end;
        for (CompletionMarks.Pair pair : marks.answer()) {
            String open = lowered(pair.open());
            String close = lowered(pair.close());
            int opened = lower.lastIndexOf(open, end - open.length());
            int closed = lower.lastIndexOf(close, end - close.length());
            if (opened >= from && opened + open.length() > start) {
                start = opened + open.length();
                int next = lower.indexOf(close, start);
                until = next >= 0 && next <= end ? next : end;
            } else if (opened < from && closed >= from && start < 0) {
                start = from;
                until = closed;
            }
        }
        return start < 0 ? text.substring(from, end) : text.substring(start, until);
    }

    /** Where an invented question begins, and whether the text before it marks its answer. */
    private record Cut(int at, boolean certain) {}

    private @Nullable Cut inventedQuestion(String text, String lower, List<Thinking> thinking) {
        int from = -1;
        for (int i = 1; i < text.length(); i++) {
            char before = text.charAt(i - 1);
            boolean line = before == '\n';
            boolean sentence = before == ' ' && isSentenceStart(text, i);
            if (!line && !sentence) {
                continue;
            }
            int word = i;
            while (line && word < text.length() && LINE_MARKS.indexOf(text.charAt(word)) >= 0) {
                word++;
            }
            if (word == text.length()
                    || !TURN.matcher(text).region(word, text.length()).lookingAt()
                            && !(line && isHeading(text, word))) {
                continue;
            }
            if (isInside(thinking, i)) {
                continue;
            }
            from = from(thinking, i);
            String told = text.substring(from, i);
            if (isMarked(told, lower.substring(from, i))) {
                return new Cut(i, true);
            }
            if (endsInNumber(told)) {
                return new Cut(i, false);
            }
        }
        return null;
    }

    private static boolean isHeading(String text, int at) {
        if ("qpetnfs".indexOf(Character.toLowerCase(text.charAt(at))) < 0) {
            return false;
        }
        if (text.startsWith("Q. ", at)) {
            return true;
        }
        int end = text.indexOf('\n', at);
        return end > 0
                && end - at < LONGEST_HEADING
                && HEADING.matcher(text).region(at, end + 1).lookingAt();
    }

    private static boolean isSentenceStart(String text, int at) {
        int last = at - 1;
        while (last > 0 && text.charAt(last) == ' ') {
            last--;
        }
        char before = text.charAt(last);
        return Character.isUpperCase(text.charAt(at)) && (".!?$}*)%".indexOf(before) >= 0 || Character.isDigit(before));
    }

    private boolean isMarked(String told, String lower) {
        if (told.contains("\\boxed")
                || told.contains("####")
                || AnswerPhrase.last(told) != null
                || LABELLED_ANSWER.matcher(told).find()) {
            return true;
        }
        return marks.answer().stream().anyMatch(pair -> lower.contains(lowered(pair.close())));
    }

    /** Whether the last line holds a number that is more than that of a step. */
    private static boolean endsInNumber(String told) {
        String line = told.strip();
        line = line.substring(line.lastIndexOf('\n') + 1).strip();
        Matcher label = LABEL.matcher(line);
        int from = label.lookingAt() ? label.end() : 0;
        return line.substring(from).chars().anyMatch(Character::isDigit);
    }
}

package org.minpro.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The marks around thinking that a chat template knows: those at which it splits an assistant's message to leave earlier
 * thinking out, such as {@code content.split('</think>')}.
 *
 * @param open the mark that opens thinking; empty where the template has none
 * @param close the mark that closes it
 */
public record ThinkingMarks(String open, String close) {
    private static final Pattern SPLIT = Pattern.compile("\\bsplit\\(\\s*(?:'([^']+)'|\"([^\"]+)\")");
    private static final Pattern CLOSES = Pattern.compile("/|(?<![a-z])end(?![a-z])");

    /** The marks in the text of a template, in its order. */
    static List<ThinkingMarks> in(String template) {
        List<ThinkingMarks> marks = new ArrayList<>();
        Matcher split = SPLIT.matcher(template);
        while (split.find()) {
            String close = split.group(1) != null ? split.group(1) : split.group(2);
            // A template also splits at line ends and at opening marks.
            if (close.equals(close.strip())
                    && close.length() > 2
                    && CLOSES.matcher(close.toLowerCase(Locale.ROOT)).find()) {
                String open = close.replace("/", "");
                ThinkingMarks found =
                        new ThinkingMarks(!open.equals(close) && template.contains(open) ? open : "", close);
                if (!marks.contains(found)) {
                    marks.add(found);
                }
            }
        }
        return marks;
    }
}

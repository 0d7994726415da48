package org.minpro.reward;

import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** What a response shows between two fences of Markdown. */
final class FencedBlock {
    private static final Pattern BLOCK = Pattern.compile("(?m)^ {0,3}```[^\\n`]*\\n([\\s\\S]*?)^ {0,3}```\\s*$");

    private FencedBlock() {}

    /** The last block of a response, or all of it where it has none. */
    static String last(String response) {
        return BLOCK.matcher(response)
                .results()
                .reduce((first, second) -> second)
                .map((MatchResult match) -> match.group(1))
                .orElse(response)
                .strip();
    }
}

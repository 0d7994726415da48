package org.minpro.environment;

import java.util.Collection;

/** A text that others wrote, as it may stand in a policy's sequence. */
final class SpokenText {
    private SpokenText() {}

    /**
     * The text with a blank inside every special token that is written in it: nothing that an environment says can end its turn
     * or begin another.
     */
    static String withoutSpecialTokens(String text, Collection<String> tokens) {
        String clean = text;
        for (String token : tokens) {
            if (token.length() > 1) {
                clean = clean.replace(token, token.charAt(0) + " " + token.substring(1));
            }
        }
        return clean;
    }

    /** The text, cut where it is longer than a limit. */
    static String cut(String text, int characters) {
        if (text.length() <= characters) {
            return text;
        }
        int end = Character.isHighSurrogate(text.charAt(characters - 1)) ? characters - 1 : characters;
        return text.substring(0, end) + "… (" + (text.length() - end) + " characters more)";
    }
}

package org.minpro.config;

import tools.jackson.core.JacksonException;

/** What is wrong with a JSON text, in the words of its parser and in one line. */
public final class JsonProblem {
    private JsonProblem() {}

    /** The parser's message without its remarks on settings of its own. */
    public static String of(JacksonException error) {
        String message = error.getOriginalMessage() == null ? "" : error.getOriginalMessage();
        String line = message.lines().findFirst().orElse("unreadable");
        return line.replaceFirst(" \\(start marker at .*", "").replaceFirst(": enable `.*", "");
    }
}

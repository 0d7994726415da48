package org.minpro.config;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Environment variables in a setting's text, written {@code ${NAME}}: a recipe has the name, a process the value. */
public final class Variables {
    private static final Pattern VARIABLE = Pattern.compile("\\$\\{([A-Za-z_][A-Za-z0-9_]*)}");

    private Variables() {}

    /** Whether a text is one variable and nothing else. */
    static boolean isName(String text) {
        return VARIABLE.matcher(text).matches();
    }

    /** The names of the variables in a text. */
    public static Set<String> names(String text) {
        Set<String> names = new LinkedHashSet<>();
        Matcher matcher = VARIABLE.matcher(text);
        while (matcher.find()) {
            names.add(matcher.group(1));
        }
        return names;
    }

    /**
     * The text with each variable's value.
     *
     * @param setting whose text it is, for the message
     * @throws IllegalArgumentException if a variable is not set, by its name
     */
    public static String resolved(String setting, String text, UnaryOperator<@Nullable String> variables) {
        return VARIABLE.matcher(text).replaceAll(match -> {
            String value = variables.apply(match.group(1));
            if (value == null || value.isEmpty()) {
                throw new IllegalArgumentException("the environment variable " + match.group(1) + ", which " + setting
                        + " names, must be set, got: " + (value == null ? "none" : "an empty one"));
            }
            return Matcher.quoteReplacement(value);
        });
    }
}

package org.minpro.config;

import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** A configuration that cannot be used; the message has one line for each problem. */
public final class ConfigurationException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private static final Pattern PLACE = Pattern.compile("(.*):([0-9]+):([0-9]+)");

    private final transient List<ConfigurationProblem> problems;

    public ConfigurationException(List<ConfigurationProblem> problems) {
        super(sorted(problems).stream().map(ConfigurationProblem::toString).collect(Collectors.joining("\n")));
        this.problems = sorted(problems);
    }

    private static List<ConfigurationProblem> sorted(List<ConfigurationProblem> problems) {
        return problems.stream()
                .sorted(Comparator.comparing((ConfigurationProblem problem) -> place(problem, 1))
                        .thenComparing(problem -> Integer.valueOf(place(problem, 2)))
                        .thenComparing(problem -> Integer.valueOf(place(problem, 3))))
                .toList();
    }

    private static String place(ConfigurationProblem problem, int part) {
        Matcher matcher = PLACE.matcher(problem.origin());
        return matcher.matches() ? matcher.group(part) : part == 1 ? "" : "0";
    }

    /** Every problem that was found: those of options, then those of files in the order of their lines. */
    public List<ConfigurationProblem> problems() {
        return problems;
    }
}

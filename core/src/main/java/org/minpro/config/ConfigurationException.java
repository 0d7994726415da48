package org.minpro.config;

import java.util.List;
import java.util.stream.Collectors;

/** A configuration that cannot be used; the message has one line for each problem. */
public final class ConfigurationException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient List<ConfigurationProblem> problems;

    public ConfigurationException(List<ConfigurationProblem> problems) {
        super(problems.stream().map(ConfigurationProblem::toString).collect(Collectors.joining("\n")));
        this.problems = List.copyOf(problems);
    }

    /** Every problem that was found, in the order of the settings. */
    public List<ConfigurationProblem> problems() {
        return problems;
    }
}

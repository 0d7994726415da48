package org.minpro.app;

import java.util.List;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/** What may stand beside {@code --resume}: a run continues with the recipe in its folder, so an option that changes it is a mistake. */
final class ResumeOptions {
    private static final String RESUME = "--resume";

    private ResumeOptions() {}

    /** @param allowed options that are no settings of the run */
    static void only(CommandSpec spec, String... allowed) {
        Set<String> fine = Set.of(allowed);
        List<String> others = spec.commandLine().getParseResult().matchedOptions().stream()
                .map(OptionSpec::longestName)
                .filter(name -> !name.equals(RESUME) && !fine.contains(name))
                .distinct()
                .toList();
        if (!others.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(),
                    RESUME + " continues with the recipe.yaml of the run's folder and must stand without "
                            + String.join(", ", others) + "; edit that file, or start a new run");
        }
    }
}

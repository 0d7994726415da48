package org.minpro.app;

import org.jspecify.annotations.Nullable;
import org.minpro.config.Settings;
import picocli.CommandLine.Option;

/** The settings of a training run that a command takes beside those of {@link RecipeOptions}. */
final class TrainingOptions {
    @Option(names = "--objective", paramLabel = "NAME", description = "See 'minpro objectives'.")
    private @Nullable String objective;

    @Option(
            names = "--lag",
            paramLabel = "N",
            description = "Iterations between sampling a batch and training on it; other kinds of staleness: --set"
                    + " staleness=NAME, see docs/staleness.md.")
    private @Nullable String lag;

    @Option(names = "--iterations", paramLabel = "N", description = "Rollout phases of the run.")
    private @Nullable String iterations;

    void into(Settings settings) {
        RecipeOptions.option(settings, "objective", objective, "--objective");
        RecipeOptions.option(settings, "lag", lag, "--lag");
        RecipeOptions.option(settings, "iterations", iterations, "--iterations");
    }
}

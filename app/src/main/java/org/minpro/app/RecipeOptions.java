package org.minpro.app;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Binder;
import org.minpro.config.Settings;
import org.minpro.recipe.ModelSection;
import org.minpro.recipe.Recipe;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The settings of a recipe that several commands take: a file, {@code --set}, and what is given most often. */
final class RecipeOptions {
    @Option(names = "--config", paramLabel = "FILE", description = "A recipe; --print-config writes one to start from.")
    private @Nullable Path config;

    @Option(
            names = "--set",
            paramLabel = "NAME=VALUE",
            description = "Any setting of a recipe, such as optimizer.learning-rate=1e-5; may be repeated.")
    private List<String> assignments = List.of();

    @Option(names = "--seed", paramLabel = "N", description = "Seed of everything random.")
    private @Nullable String seed;

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description = "A Hugging Face folder; without it the built-in model.")
    private @Nullable String model;

    @Option(names = "--dtype", paramLabel = "f32|bf16", description = "Type of matrix products.")
    private @Nullable String dtype;

    @Option(names = "--device", paramLabel = DeviceOption.LABEL, description = DeviceOption.DESCRIPTION)
    private @Nullable String device;

    @Option(names = "--data", paramLabel = "FILE", description = "Problems as JSON lines; may be repeated.")
    private List<String> data = List.of();

    @Option(names = "--prompt-field", paramLabel = "NAME", description = "Field with the prompt.")
    private @Nullable String promptField;

    @Option(
            names = "--prompt-template",
            paramLabel = "TEXT",
            description = "The prompt made of several fields, such as '{Body} {Question}'.")
    private @Nullable String promptTemplate;

    @Option(names = "--answer-field", paramLabel = "NAME", description = "Field with the reference answer.")
    private @Nullable String answerField;

    @Option(
            names = "--answer-after",
            paramLabel = "TEXT",
            description = "The answer is what follows the last occurrence of this text in its field, such as '####'.")
    private @Nullable String answerAfter;

    @Option(names = "--reward", paramLabel = "NAME", description = "A reward by name, or a class of your own.")
    private @Nullable String reward;

    @Mixin
    private final ClassPathOption classPath = new ClassPathOption();

    ClassLoader loader() {
        return classPath.loader();
    }

    /** What a command that continues this one must be given too. */
    List<String> givenClassPath() {
        return classPath.given();
    }

    /** The file of {@code --config}, if any. */
    @Nullable Path config() {
        return config;
    }

    /** What {@code --model} names, if it is given. */
    @Nullable String model() {
        return model;
    }

    /** Whether {@code --data} is given. */
    boolean givesData() {
        return !data.isEmpty();
    }

    /** All layers: the file, {@code --set}, the options. */
    Settings settings() {
        Settings settings = new Settings();
        if (config != null) {
            settings.file(config);
            if (settings.gives("grid")) {
                throw new IllegalArgumentException("--config must name a recipe, got a study (it has a grid): " + config
                        + "; do its runs with "
                        + ShownCommand.of(List.of("compare", "--config", config.toString()))
                        + ", and --recipe RUN there writes the recipe of one");
            }
        }
        assignments.forEach(settings::set);
        option(settings, "seed", seed, "--seed");
        option(settings, "model.path", model, "--model");
        option(settings, "model.dtype", dtype, "--dtype");
        option(settings, "compute.device", device, "--device");
        option(settings, "data.prompt-field", promptField, "--prompt-field");
        option(settings, "data.prompt-template", promptTemplate, "--prompt-template");
        option(settings, "data.answer-field", answerField, "--answer-field");
        option(settings, "data.answer-after", answerAfter, "--answer-after");
        option(settings, "reward", reward, "--reward");
        if (!data.isEmpty()) {
            settings.option("data.files", fromHere(data, settings), "--data");
        }
        return settings;
    }

    /** Files given on the command line are relative to where it was typed, whatever folder a recipe names. */
    static List<String> fromHere(List<String> files, Settings settings) {
        return settings.gives("data.folder")
                ? files.stream()
                        .map(file -> Path.of(file).toAbsolutePath().toString())
                        .toList()
                : files;
    }

    /** Gives a setting the value of a dedicated option, if it was given. */
    static void option(Settings settings, String path, @Nullable String value, String option) {
        if (value != null) {
            settings.option(path, value, option);
        }
    }

    /**
     * Binds settings, and says what has no effect.
     *
     * @param defaults what the settings change
     */
    Recipe recipe(Binder binder, Recipe defaults, Settings settings, Console console) {
        Recipe recipe = binder.bind(defaults, settings);
        settings.warnings().forEach(warning -> console.say("warning: " + warning));
        return recipe;
    }

    /** A recipe's file says all that differs from the built-in run; a model alone has defaults that suit it. */
    Recipe defaults() {
        boolean ownModel = model != null && !model.equals(ModelSection.BUILTIN) && config == null;
        return ownModel ? Recipe.of(Path.of(model)) : new Recipe();
    }
}

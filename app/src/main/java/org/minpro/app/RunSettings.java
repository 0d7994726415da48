package org.minpro.app;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.minpro.config.Settings;
import org.minpro.recipe.Recipe;
import org.minpro.run.BuildVersion;
import org.minpro.run.MetricsFile;
import org.minpro.run.RunFailure;
import org.minpro.run.RunFiles;
import org.minpro.study.RunKey;
import org.minpro.study.RunResult;

/** Recipes as settings by name: what several have alike, and what tells them apart. */
final class RunSettings {
    private static final int WINDOW = 2;

    /** What tells no two variants apart: what a run has of its own, and how it was computed and kept. */
    private static final Predicate<String> OF_ONE_RUN = Pattern.compile(
                    "seed|runs|prompts\\.date|trackers(\\..*)?|record\\..*"
                            + "|checkpoints\\..*|compute\\.(workers|lanes|micro-batch-tokens)")
            .asMatchPredicate();

    private static final String OBJECTIVE = "objective";
    private static final String CHOICE = OBJECTIVE + ".name";

    private RunSettings() {}

    /** The recipe of a run's folder. */
    static Recipe read(Path run, ClassLoader loader) {
        Path file = new RunFiles(run).recipe();
        if (!Files.exists(file)) {
            throw new IllegalArgumentException(
                    "a run to compare must be a folder of minpro train with a recipe.yaml, got: " + run);
        }
        return Recipe.binder(loader).bind(Recipe.class, new Settings().file(file));
    }

    /** What is measured of a run in its folder, which must have ended. */
    static RunResult result(Path run, String label, Recipe recipe) {
        boolean notFinite = RunFailure.notFinite(run);
        RunResult result = RunResult.read(
                new RunKey(List.of(label), recipe.seed()),
                notFinite ? RunResult.Outcome.NOT_FINITE : RunResult.Outcome.DONE,
                run,
                recipe.rowsPerIteration(),
                WINDOW,
                version(run),
                "");
        if (result.curve().points().isEmpty()) {
            throw new IllegalArgumentException(
                    "a run to compare must have a metrics.jsonl with an iteration, got: " + run);
        }
        if (!notFinite) {
            requireEnded(run, recipe, result);
        }
        return result;
    }

    /** The accuracy of a run under way is not that of one that has ended. */
    private static void requireEnded(Path run, Recipe recipe, RunResult result) {
        RunFiles files = new RunFiles(run);
        long[] done = {0};
        MetricsFile.read(files.metrics(), (iteration, numbers) -> done[0] = iteration + 1);
        boolean unmeasured = result.before().isPresent() && result.after().isEmpty() && files.hasResult();
        if (done[0] < recipe.iterations() || unmeasured) {
            throw new IllegalArgumentException("a run to compare must have ended, got: " + run + ", which has done "
                    + done[0] + " of " + recipe.iterations() + " iterations"
                    + (unmeasured ? " and has no accuracy after them" : "") + "; go on with: "
                    + ShownCommand.of(List.of("train", "--resume", run.toString())));
        }
    }

    /** Which MinPRO began a run, as its recipe says. */
    private static String version(Path run) {
        String begun = "# begun by minpro ";
        try (var lines = Files.lines(new RunFiles(run).recipe())) {
            return lines.limit(5)
                    .filter(line -> line.startsWith(begun))
                    .map(line -> line.substring(begun.length()))
                    .findFirst()
                    .orElse(BuildVersion.present().toString());
        } catch (IOException e) {
            throw new UncheckedIOException(run + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** What all recipes have alike. */
    static Map<String, String> shared(List<Recipe> recipes) {
        Map<String, String> shared = flat(recipes.getFirst());
        for (Recipe recipe : recipes) {
            Map<String, String> its = flat(recipe);
            shared.entrySet().removeIf(setting -> !Objects.equals(its.get(setting.getKey()), setting.getValue()));
        }
        shared.keySet().removeAll(Set.of("seed", "runs"));
        return shared;
    }

    /** A name for each run: what its recipe has that another has not; with its folder where that is not enough. */
    static Map<Path, String> labels(Map<Path, Recipe> recipes) {
        Map<Path, Map<String, String>> all = new LinkedHashMap<>();
        recipes.forEach((run, recipe) -> all.put(run, flat(recipe)));
        Set<String> names = new TreeSet<>();
        all.values().forEach(settings -> names.addAll(settings.keySet()));
        names.removeIf(OF_ONE_RUN);
        List<String> differing = new ArrayList<>();
        for (String name : names) {
            // What an objective's parameters are says something only beside the same objective with others.
            Map<String, Set<String>> values = new LinkedHashMap<>();
            all.values().stream()
                    .filter(settings -> !name.startsWith(OBJECTIVE + ".") || settings.containsKey(name))
                    .forEach(settings -> values.computeIfAbsent(
                                    name.startsWith(OBJECTIVE + ".") && !name.equals(CHOICE)
                                            ? settings.getOrDefault(CHOICE, "")
                                            : "",
                                    key -> new HashSet<>())
                            .add(settings.getOrDefault(name, "")));
            boolean chosen = name.equals(OBJECTIVE) || name.equals(CHOICE);
            if (chosen && objectives(all.values()) > 1) {
                differing.addFirst(name);
            } else if (!chosen && values.values().stream().anyMatch(of -> of.size() > 1)) {
                differing.add(name);
            }
        }
        Map<Path, String> labels = new LinkedHashMap<>();
        Set<String> taken = new HashSet<>();
        all.forEach((run, settings) -> {
            String label = differing.stream()
                    .filter(settings::containsKey)
                    .map(name -> name.equals(OBJECTIVE) || name.equals(CHOICE)
                            ? settings.get(name)
                            : name.substring(name.lastIndexOf('.') + 1) + " " + settings.get(name))
                    .collect(Collectors.joining(", "));
            label = label.isEmpty() ? "all alike" : label;
            if (!taken.add(label + "\n" + settings.get("seed"))) {
                label += " (" + run + ")";
            }
            labels.put(run, label);
        });
        return labels;
    }

    private static long objectives(Collection<Map<String, String>> all) {
        return all.stream()
                .map(settings -> settings.getOrDefault(OBJECTIVE, settings.getOrDefault(CHOICE, "")))
                .distinct()
                .count();
    }

    /** The settings of a recipe's text, by name: sections joined by dots, elements of lists by number. */
    static Map<String, String> flat(Recipe recipe) {
        Map<String, String> flat = new LinkedHashMap<>();
        List<String> path = new ArrayList<>();
        for (String line : Recipe.binder(RunSettings.class.getClassLoader())
                .write(recipe, false)
                .lines()
                .toList()) {
            String text = line.strip();
            int depth = (line.length() - line.stripLeading().length()) / 2;
            String name = text.substring(0, text.indexOf(':'));
            String value = text.substring(text.indexOf(':') + 1).strip();
            while (path.size() > depth) {
                path.removeLast();
            }
            if (value.isEmpty()) {
                path.add(name);
            } else {
                String prefix = path.isEmpty() ? "" : String.join(".", path) + ".";
                flat.merge(prefix + name, value, (first, second) -> first + "; " + second);
            }
        }
        return flat;
    }
}

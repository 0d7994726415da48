package org.minpro.study;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.minpro.config.ConfigurationException;
import org.minpro.config.ConfigurationProblem;
import org.minpro.config.Settings;
import org.minpro.recipe.Recipe;
import tools.jackson.databind.json.JsonMapper;

/**
 * A study with its runs spelled out.
 *
 * @param recipe what it was told
 * @param axes of the grid
 * @param folder of the study
 * @param runs in the order in which they are done: all of the first seed, then all of the next
 */
public record Study(StudyRecipe recipe, List<Axis> axes, Path folder, List<Run> runs) {
    private static final JsonMapper JSON = new JsonMapper();

    /**
     * A run.
     *
     * @param key which one
     * @param recipe with every setting
     * @param settings a hash of what the study gives it: two runs of one key and other settings are no one run
     */
    public record Run(RunKey key, Recipe recipe, String settings) {}

    public Study {
        axes = List.copyOf(axes);
        runs = List.copyOf(runs);
    }

    /**
     * Spells a study out.
     *
     * @param source its name in messages
     * @param folder where it is, unless it says so itself
     * @param loader finds classes that its recipes name
     * @throws ConfigurationException with every problem of every run
     */
    public static Study of(StudyRecipe recipe, String source, Path folder, ClassLoader loader) {
        List<Axis> axes = recipe.axes();
        Path own = recipe.folder();
        Path home = own == null ? folder : own;
        Set<ConfigurationProblem> problems = new LinkedHashSet<>();
        contradiction(axes).ifPresent(message -> problems.add(new ConfigurationProblem(source, message)));
        List<Run> runs = new ArrayList<>();
        Map<String, RunKey> ids = new HashMap<>();
        for (long seed : recipe.seeds()) {
            for (List<Axis.Level> place : places(axes)) {
                RunKey key = new RunKey(place.stream().map(Axis.Level::label).toList(), seed);
                RunKey other = ids.put(key.id(), key);
                if (other != null) {
                    problems.add(new ConfigurationProblem(
                            source,
                            "runs must have different folders, got: " + key.id() + " for " + other + " and " + key
                                    + "; name the values of an axis otherwise"));
                }
                try {
                    runs.add(run(recipe, source, axes, place, key, home, loader));
                } catch (ConfigurationException e) {
                    problems.addAll(e.problems());
                }
            }
        }
        if (!problems.isEmpty()) {
            throw new ConfigurationException(List.copyOf(problems));
        }
        return new Study(recipe, axes, home, runs);
    }

    /** An axis of lags beside one of protocols: the later one would win, and labels of the other would say what is not so. */
    private static Optional<String> contradiction(List<Axis> axes) {
        List<String> lags = giving(axes, "lag");
        List<String> protocols = giving(axes, "staleness");
        lags.removeAll(protocols);
        return lags.isEmpty() || protocols.isEmpty()
                ? Optional.empty()
                : Optional.of("grid must give lag and staleness, which it is short for, on one axis, got: lag on "
                        + String.join(", ", lags) + " and staleness on " + String.join(", ", protocols));
    }

    private static List<String> giving(List<Axis> axes, String setting) {
        return axes.stream()
                .filter(axis -> axis.levels().stream()
                        .anyMatch(level -> level.settings().containsKey(setting)))
                .map(Axis::name)
                .collect(Collectors.toCollection(ArrayList::new));
    }

    private static Run run(
            StudyRecipe study,
            String source,
            List<Axis> axes,
            List<Axis.Level> place,
            RunKey key,
            Path home,
            ClassLoader loader) {
        Settings settings = new Settings();
        List<Object> given = new ArrayList<>();
        if (study.base() != null) {
            settings.file(study.base());
        }
        Map<String, @Nullable Object> shared = Axis.nested(study.recipe());
        settings.map(source + ": recipe", shared);
        given.add(sorted(shared));
        // A mean over other iterations is another measurement.
        given.add(study.window());
        for (int i = 0; i < place.size(); i++) {
            Axis.Level level = place.get(i);
            settings.map(source + ": grid." + axes.get(i).name() + " " + level.label(), level.settings());
            given.add(sorted(level.settings()));
        }
        settings.option("seed", Long.toString(key.seed()), source + ": seeds");
        settings.option("runs", home.resolve("runs").resolve(key.id()).toString(), source + ": folder");
        Recipe bound = Recipe.binder(loader).bind(Recipe.class, settings);
        if (study.base() != null) {
            // The file may say something else the next time.
            given.addFirst(sorted(new Settings().file(study.base()).given()));
        }
        return new Run(key, bound, hash(JSON.writeValueAsString(given)));
    }

    /** The order in which settings are given says nothing. */
    private static Object sorted(Object value) {
        if (value instanceof Map<?, ?> map) {
            Map<String, Object> sorted = new TreeMap<>();
            map.forEach((name, inner) -> sorted.put(String.valueOf(name), inner == null ? "null" : sorted(inner)));
            return sorted;
        }
        return value;
    }

    private static String hash(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash, 0, 6);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** Every combination of levels, the last axis first. */
    private static List<List<Axis.Level>> places(List<Axis> axes) {
        List<List<Axis.Level>> places = List.of(List.of());
        for (Axis axis : axes) {
            List<List<Axis.Level>> longer = new ArrayList<>();
            for (List<Axis.Level> place : places) {
                for (Axis.Level level : axis.levels()) {
                    List<Axis.Level> next = new ArrayList<>(place);
                    next.add(level);
                    longer.add(next);
                }
            }
            places = longer;
        }
        return places;
    }

    /** The names of the axes. */
    public List<String> axisNames() {
        return axes.stream().map(Axis::name).toList();
    }

    /** Reads the recipe of a study's file and spells it out. */
    public static Study read(Path file, ClassLoader loader) {
        StudyRecipe recipe = StudyRecipe.binder()
                .bind(StudyRecipe.class, new Settings().file(file).requireRead());
        String name = String.valueOf(file.getFileName()).replaceFirst("\\.ya?ml$", "");
        return of(recipe, file.toString(), Path.of("studies", name), loader);
    }
}

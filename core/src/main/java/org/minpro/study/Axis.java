package org.minpro.study;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Rule;

/**
 * One dimension of a study's grid.
 *
 * @param name as the grid has it
 * @param levels in their order, each with another label
 */
public record Axis(String name, List<Level> levels) {
    private static final String NAME = "name";

    /**
     * A place on an axis.
     *
     * @param label what tables and charts call it
     * @param settings of a recipe, nested as in a recipe's file
     */
    public record Level(String label, Map<String, ?> settings) {
        public Level {
            Rule.check(
                    !label.isBlank() && label.lines().count() == 1, "grid", "such that names are one line each", label);
        }

        /** Its settings in one line, such as {@code lag: 8, iterations: 48}. */
        public String text() {
            String text = text(settings);
            return text.substring(1, text.length() - 1);
        }

        private static String text(@Nullable Object value) {
            return switch (value) {
                case Map<?, ?> section ->
                    section.entrySet().stream()
                            .map(entry -> entry.getKey() + ": " + text(entry.getValue()))
                            .collect(Collectors.joining(", ", "{", "}"));
                case List<?> list -> list.stream().map(Level::text).collect(Collectors.joining(", ", "[", "]"));
                case null, default -> String.valueOf(value);
            };
        }
    }

    public Axis {
        levels = List.copyOf(levels);
        Rule.check(!levels.isEmpty(), "grid", "such that each axis has a value", name + " without any");
        Set<String> labels = new HashSet<>();
        for (Level level : levels) {
            Rule.check(
                    labels.add(level.label),
                    "grid",
                    "such that each value of an axis stands once",
                    name + " with " + level.label + " twice");
        }
    }

    /**
     * Reads an axis: a list of values of the setting that the axis is named after, or settings by label.
     *
     * @param value as YAML has it: a list, or a map of maps
     */
    static Axis of(String name, @Nullable Object value) {
        List<Level> levels = new ArrayList<>();
        switch (value) {
            case List<?> values -> {
                for (Object element : values) {
                    levels.add(new Level(label(element), nested(mapOf(name, element))));
                }
            }
            case Map<?, ?> byLabel ->
                byLabel.forEach((label, settings) -> {
                    if (!(settings instanceof Map<?, ?> given)) {
                        throw new IllegalArgumentException(
                                "grid must hold, under a name of an axis, settings such as {lag: 4}, got: " + name + "."
                                        + label + ": " + settings);
                    }
                    levels.add(new Level(String.valueOf(label), nested(given)));
                });
            case null, default ->
                throw new IllegalArgumentException(
                        "grid must hold lists of a setting's values, or settings by name, got: " + name + ": " + value);
        }
        return new Axis(name, levels);
    }

    private static Map<String, @Nullable Object> mapOf(String name, @Nullable Object value) {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put(name, value);
        return map;
    }

    /** {@code {name: cispo, cap: 5}} as {@code cispo cap 5}. */
    private static String label(@Nullable Object value) {
        if (value instanceof Map<?, ?> parameters) {
            return parameters.entrySet().stream()
                    .map(entry -> entry.getKey().equals(NAME)
                            ? String.valueOf(entry.getValue())
                            : entry.getKey() + " " + label(entry.getValue()))
                    .collect(Collectors.joining(" "));
        }
        return value instanceof Double number
                ? number.toString().replace(".0E", "e").replace('E', 'e')
                : "" + value;
    }

    /** With names such as {@code optimizer.learning-rate} as sections in each other. */
    static Map<String, @Nullable Object> nested(Map<?, ?> settings) {
        Map<String, @Nullable Object> nested = new LinkedHashMap<>();
        settings.forEach((name, value) -> put(nested, String.valueOf(name), value));
        return nested;
    }

    private static void put(Map<String, @Nullable Object> into, String path, @Nullable Object value) {
        int dot = path.indexOf('.');
        if (dot < 0) {
            // A choice beside parameters of it, in any order.
            if (into.get(path) instanceof Map<?, ?> present
                    && !present.containsKey(NAME)
                    && value != null
                    && !(value instanceof Map<?, ?>)) {
                put(into, path + "." + NAME, value);
            } else {
                into.put(path, value);
            }
            return;
        }
        Map<String, @Nullable Object> section = new LinkedHashMap<>();
        switch (into.get(path.substring(0, dot))) {
            case Map<?, ?> present -> present.forEach((name, inner) -> section.put(String.valueOf(name), inner));
            case null -> {}
            case Object chosen -> section.put(NAME, chosen);
        }
        put(section, path.substring(dot + 1), value);
        into.put(path.substring(0, dot), section);
    }
}

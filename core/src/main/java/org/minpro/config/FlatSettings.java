package org.minpro.config;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** The settings of a recipe's text as a table: {@code optimizer.learning-rate} to {@code 1.0E-4}, to be shown and compared. */
public final class FlatSettings {
    private FlatSettings() {}

    /** Each setting by its name with dots, in the order of the text; none where the text is no YAML. */
    public static Map<String, String> of(String yaml) {
        Map<String, String> settings = new LinkedHashMap<>();
        try {
            add(settings, "", new Load(LoadSettings.builder().build()).loadFromString(yaml));
        } catch (YamlEngineException e) {
            return Map.of();
        }
        return settings;
    }

    private static void add(Map<String, String> settings, String name, @Nullable Object value) {
        if (value instanceof Map<?, ?> map && !map.isEmpty()) {
            map.forEach((key, inner) -> add(settings, name.isEmpty() ? String.valueOf(key) : name + "." + key, inner));
        } else if (!name.isEmpty()) {
            settings.put(name, text(value));
        }
    }

    private static String text(@Nullable Object value) {
        return switch (value) {
            case List<?> list -> list.stream().map(FlatSettings::text).collect(Collectors.joining(", ", "[", "]"));
            case Map<?, ?> map ->
                map.entrySet().stream()
                        .map(entry -> entry.getKey() + ": " + text(entry.getValue()))
                        .collect(Collectors.joining(", ", "{", "}"));
            case null -> "null";
            default -> String.valueOf(value);
        };
    }
}

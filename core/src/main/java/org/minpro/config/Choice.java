package org.minpro.config;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A name with free parameters, for what is made by a factory instead of being a record of {@link NamedRecords}: {@code reward: math}
 * or {@code reward: {name: length, maximum-tokens: 100}}.
 *
 * @param name which one
 * @param parameters Boolean, Integer, Long, Double, String, List, Map or null by name, in the order given
 */
public record Choice(String name, Map<String, @Nullable Object> parameters) {
    public Choice {
        if (name.isBlank()) {
            throw new IllegalArgumentException("name must not be blank, got: '" + name + "'");
        }
        parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
    }

    public static Choice of(String name) {
        return new Choice(name, Map.of());
    }
}

package org.minpro.app;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** One line of JSON results; numbers are written so that they read back bit for bit. */
final class JsonLine {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    private final Map<String, @Nullable Object> fields = new LinkedHashMap<>();

    /** Adds a field: text, number, boolean, array, list, map or null. */
    JsonLine with(String name, @Nullable Object value) {
        fields.put(name, value);
        return this;
    }

    @Override
    public String toString() {
        return MAPPER.writeValueAsString(fields);
    }
}

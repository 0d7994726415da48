package org.minpro.config;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A node of the configuration before its type is known; each says where it came from. */
sealed interface Value {
    String origin();

    /** A scalar of a file: its text, and what YAML takes it for. */
    record Scalar(String text, boolean quoted, @Nullable Object yaml, String origin) implements Value {}

    /** The text of a {@code --set} or an option: literal for scalars, YAML for lists and maps. */
    record Raw(String text, String origin) implements Value {}

    record Sequence(List<Value> elements, String origin) implements Value {}

    record Section(Map<String, Entry> entries, String origin) implements Value {
        public Section {
            entries = Collections.unmodifiableMap(new LinkedHashMap<>(entries));
        }

        Section with(String key, Entry entry) {
            Map<String, Entry> changed = new LinkedHashMap<>(entries);
            changed.put(key, entry);
            return new Section(changed, origin);
        }
    }

    record Entry(String keyOrigin, Value value) {}

    /** What this is, for messages. */
    default String shown() {
        return switch (this) {
            case Scalar scalar -> scalar.quoted() ? "'" + scalar.text() + "'" : scalar.text();
            case Raw raw -> raw.text();
            case Sequence ignored -> "a list";
            case Section ignored -> "a section";
        };
    }
}

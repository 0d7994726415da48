package org.minpro.config;

import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Names of the implementations of an interface, so that a configuration can choose one: {@code objective: minpro} or
 * {@code objective: {name: minpro, cap: 3}}.
 *
 * <p>An implementation that is a record takes parameters: its components, defaults from its no-argument constructor. Any
 * other needs a public no-argument constructor. Besides the names, the name of a class that implements the interface works.
 *
 * @param <T> the interface
 */
public final class Table<T> {
    private final String kind;
    private final Class<T> type;
    private final SortedMap<String, Class<? extends T>> entries;

    /**
     * A table.
     *
     * @param kind what its entries are, for messages: {@code objective}
     * @param type the interface
     * @param entries class by name, names in kebab-case
     */
    public Table(String kind, Class<T> type, Map<String, Class<? extends T>> entries) {
        this.kind = kind;
        this.type = type;
        this.entries = new TreeMap<>(entries);
    }

    public String kind() {
        return kind;
    }

    public Class<T> type() {
        return type;
    }

    /** All names, sorted. */
    public List<String> names() {
        return List.copyOf(entries.keySet());
    }

    /** The name of a class in this table, or the class name where it has none. */
    public String nameOf(Class<?> implementation) {
        return entries.entrySet().stream()
                .filter(entry -> entry.getValue().equals(implementation))
                .map(Map.Entry::getKey)
                .findFirst()
                .orElse(implementation.getName());
    }

    /**
     * The class of a name.
     *
     * @param name a name of this table, or the name of a class
     * @param loader finds a class that is not in the table
     * @throws IllegalArgumentException lists the names and suggests the nearest
     */
    public Class<? extends T> find(String name, ClassLoader loader) {
        Class<? extends T> entry = entries.get(name);
        if (entry != null) {
            return entry;
        }
        if (!name.contains(".")) {
            throw new IllegalArgumentException("must be one of " + String.join(", ", names())
                    + ", or the name of a class, got: '" + name + "'." + NearestName.hint(name, names()));
        }
        Class<?> found;
        try {
            found = Class.forName(name, true, loader);
        } catch (ClassNotFoundException | LinkageError e) {
            throw new IllegalArgumentException(
                    "must be one of " + String.join(", ", names())
                            + ", or the name of a class on the class path, got: '" + name + "' (" + e
                            + "); give its jar with --class-path",
                    e);
        }
        if (!type.isAssignableFrom(found)) {
            throw new IllegalArgumentException(
                    "must be a class that implements " + type.getName() + ", got: '" + name + "'");
        }
        return found.asSubclass(type);
    }
}

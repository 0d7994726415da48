package org.minpro.config;

import java.lang.reflect.RecordComponent;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Names of record classes that implement one interface, so that a configuration can choose one: {@code objective: minpro} or
 * {@code objective: {name: minpro, cap: 3}}.
 *
 * <p>A record's components are its parameters, in kebab-case ({@code clipLow} is {@code clip-low}); its constructor
 * without arguments holds their defaults; its compact constructor checks them. Any class of the interface on a class
 * loader can be made by its class name too; one that is no record has no parameters.
 *
 * @param <T> the interface
 */
public final class NamedRecords<T> {
    /**
     * A line of the table.
     *
     * @param summary what it is, in a few words
     */
    public record Entry<T>(String name, Class<? extends T> type, String summary) {}

    private final String what;
    private final Class<T> contract;
    private final List<Entry<T>> entries;

    /**
     * A table.
     *
     * @param what the word for such a record in messages, such as {@code objective}
     * @param contract the interface
     * @param entries sorted by name
     */
    public NamedRecords(String what, Class<T> contract, List<Entry<T>> entries) {
        this.what = what;
        this.contract = contract;
        this.entries = List.copyOf(entries);
    }

    public String what() {
        return what;
    }

    public Class<T> contract() {
        return contract;
    }

    public List<Entry<T>> entries() {
        return entries;
    }

    /** All names, in the order of the entries. */
    public List<String> names() {
        return entries.stream().map(Entry::name).toList();
    }

    /** The name of an instance in the table, or its class name. */
    public String nameOf(Object instance) {
        return entries.stream()
                .filter(entry -> entry.type() == instance.getClass())
                .map(Entry::name)
                .findFirst()
                .orElse(instance.getClass().getName());
    }

    /**
     * The record of that name, or of that class, with its defaults but for the given parameters.
     *
     * @param parameters numbers, booleans, names, lists or maps, or any of them as a string, by kebab-case name
     * @param loader where a class name is looked up
     * @throws IllegalArgumentException naming everything that is wrong
     */
    public T create(String name, Map<String, ?> parameters, ClassLoader loader) {
        try {
            return new Binder(loader, List.of(this))
                    .choose(this, name, new Settings().map(what + " " + name, parameters));
        } catch (ConfigurationException e) {
            throw new IllegalArgumentException(
                    String.join(
                            "; ",
                            e.problems().stream()
                                    .map(ConfigurationProblem::message)
                                    .toList()),
                    e);
        }
    }

    /** The parameters of an instance by kebab-case name, in order; empty where it is no record. */
    public Map<String, @Nullable Object> parameters(T instance) {
        Map<String, @Nullable Object> parameters = new LinkedHashMap<>();
        if (instance instanceof Record record) {
            RecordComponent[] components = record.getClass().getRecordComponents();
            @Nullable Object[] values = Binder.values(record);
            for (int i = 0; i < values.length; i++) {
                parameters.put(Binder.kebab(components[i].getName()), values[i]);
            }
        }
        return parameters;
    }

    /**
     * The class of a name.
     *
     * @throws IllegalArgumentException "must be one of …", without the name of the setting before it
     */
    Class<? extends T> typeOf(String name, ClassLoader loader) {
        for (Entry<T> entry : entries) {
            if (entry.name().equals(name)) {
                return entry.type();
            }
        }
        String rule = "must be one of " + String.join(", ", names()) + ", or the name of a class";
        if (!name.contains(".")) {
            throw new IllegalArgumentException(rule + ", got: '" + name + "'." + NearestName.hint(name, names()));
        }
        Class<?> found;
        try {
            found = Class.forName(name, true, loader);
        } catch (ClassNotFoundException | LinkageError e) {
            throw new IllegalArgumentException(
                    rule + " on the class path, got: '" + name + "' (" + e + "); give its jar with --class-path", e);
        }
        if (!contract.isAssignableFrom(found)) {
            throw new IllegalArgumentException("must implement " + contract.getName() + ", got: class '" + name + "'");
        }
        return found.asSubclass(contract);
    }
}

package org.minpro.config;

import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Names of record classes that implement one interface, so that a configuration can choose one: {@code objective: minpro} or
 * {@code objective: {name: minpro, cap: 3}}.
 *
 * <p>A record's components are its parameters, in kebab-case ({@code clipLow} is {@code clip-low}); its constructor
 * without arguments, or with those that must be given alone, holds their defaults; its compact constructor checks them. Any class
 * of the interface on a class loader can be made by its class name too; one that is no record has no parameters, unless the
 * table says how to make it.
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

    /** Makes an instance for a class that is no record, one that is a {@link ByClassName}. */
    @FunctionalInterface
    public interface OfClass<T> {
        /**
         * The instance.
         *
         * @param parameters what the configuration gives
         * @throws IllegalArgumentException "must …", without the name of the setting before it
         */
        T of(Class<? extends T> type, Map<String, @Nullable Object> parameters);
    }

    private final String what;
    private final Class<T> contract;
    private final List<Entry<T>> entries;
    private final @Nullable OfClass<T> classes;

    /**
     * A table.
     *
     * @param what the word for such a record in messages, such as {@code objective}
     * @param contract the interface
     * @param entries in any order
     */
    public NamedRecords(String what, Class<T> contract, List<Entry<T>> entries) {
        this(what, contract, entries, null);
    }

    /**
     * A table that says how classes are made that are no records.
     *
     * @param classes makes them
     */
    public NamedRecords(String what, Class<T> contract, List<Entry<T>> entries, @Nullable OfClass<T> classes) {
        this.what = what;
        this.contract = contract;
        this.entries =
                entries.stream().sorted(Comparator.comparing(Entry::name)).toList();
        this.classes = classes;
    }

    /** This table with one more line. */
    public NamedRecords<T> with(Entry<T> entry) {
        List<Entry<T>> more = new ArrayList<>(entries);
        more.add(entry);
        return new NamedRecords<>(what, contract, more, classes);
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
        return nameOf(typeOf(instance));
    }

    String nameOf(Class<?> type) {
        return entries.stream()
                .filter(entry -> entry.type() == type)
                .map(Entry::name)
                .findFirst()
                .orElse(type.getName());
    }

    /** The class that an instance is, or stands for. */
    static Class<?> typeOf(Object instance) {
        return instance instanceof ByClassName named ? named.type() : instance.getClass();
    }

    boolean makesClasses() {
        return classes != null;
    }

    T ofClass(Class<?> type, Map<String, @Nullable Object> parameters) {
        return Objects.requireNonNull(classes).of(type.asSubclass(contract), parameters);
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

    /** The parameters of an instance by kebab-case name, in order; empty for a class without any. */
    public Map<String, @Nullable Object> parameters(T instance) {
        if (instance instanceof ByClassName named) {
            return named.parameters();
        }
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

package org.minpro.config;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.NullMarked;
import org.jspecify.annotations.Nullable;

/**
 * A table of record classes that implement one interface, made by name from a map of parameters.
 *
 * <p>A record's components are its parameters, in kebab-case ({@code clipLow} is {@code clip-low}); its constructor
 * without arguments holds their defaults; its compact constructor checks them. Any class of the interface on a class
 * loader can be made by its class name too; one that is no record has no parameters.
 *
 * @param <T> the interface
 */
@NullMarked
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
     * @param what the word for such a record in messages, such as {@code objective}
     * @param entries sorted by name
     */
    public NamedRecords(String what, Class<T> contract, List<Entry<T>> entries) {
        this.what = what;
        this.contract = contract;
        this.entries = List.copyOf(entries);
    }

    public List<Entry<T>> entries() {
        return entries;
    }

    /** The name of an instance in the table, or its class name. */
    public String nameOf(T instance) {
        return entries.stream()
                .filter(entry -> entry.type() == instance.getClass())
                .map(Entry::name)
                .findFirst()
                .orElse(instance.getClass().getName());
    }

    /**
     * The record of that name, or of that class, with its defaults but for the given parameters.
     *
     * @param parameters numbers, booleans and names, or any of them as a string, by kebab-case name
     * @param loader where a class name is looked up
     * @throws IllegalArgumentException naming everything that is wrong
     */
    public T create(String name, Map<String, ?> parameters, ClassLoader loader) {
        T defaults = instance(typeOf(name, loader));
        if (parameters.isEmpty()) {
            return defaults;
        }
        Map<String, Object> values = parameters(defaults);
        List<String> problems = new ArrayList<>();
        parameters.forEach((parameter, value) -> {
            Object standard = values.get(parameter);
            if (standard == null) {
                problems.add(
                        values.isEmpty()
                                ? "parameter must be absent, " + what + " " + name + " has none, got: " + parameter
                                : NearestName.message("parameter of " + what + " " + name, parameter, values.keySet()));
            } else {
                try {
                    values.put(parameter, convert(parameter, value, standard));
                } catch (IllegalArgumentException e) {
                    problems.add(String.valueOf(e.getMessage()));
                }
            }
        });
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("; ", problems));
        }
        RecordComponent[] components = defaults.getClass().getRecordComponents();
        Class<?>[] types =
                Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
        try {
            Constructor<?> constructor = defaults.getClass().getDeclaredConstructor(types);
            return contract.cast(call(constructor, values.values().toArray()));
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException("a record has its canonical constructor", e);
        }
    }

    /** The parameters of an instance by kebab-case name, in order; empty where it is no record. */
    public Map<String, Object> parameters(T instance) {
        Map<String, Object> values = new LinkedHashMap<>();
        RecordComponent @Nullable [] components = instance.getClass().getRecordComponents();
        if (components == null) {
            return values;
        }
        for (RecordComponent component : components) {
            try {
                component.getAccessor().setAccessible(true);
                values.put(kebab(component.getName()), component.getAccessor().invoke(instance));
            } catch (IllegalAccessException | InvocationTargetException e) {
                throw new IllegalStateException("cannot read " + component, e);
            }
        }
        return values;
    }

    private Class<? extends T> typeOf(String name, ClassLoader loader) {
        for (Entry<T> entry : entries) {
            if (entry.name().equals(name)) {
                return entry.type();
            }
        }
        List<String> names = entries.stream().map(Entry::name).toList();
        if (name.indexOf('.') < 0) {
            throw new IllegalArgumentException(NearestName.message(what, name, names) + ", or a class name");
        }
        Class<?> type;
        try {
            type = Class.forName(name, true, loader);
        } catch (ClassNotFoundException e) {
            throw new IllegalArgumentException(
                    what + " must be one of " + String.join(", ", names)
                            + " or a class on the class path (--class-path my.jar), got: " + name,
                    e);
        }
        if (!contract.isAssignableFrom(type)) {
            throw new IllegalArgumentException(what + " must implement " + contract.getName() + ", got: class " + name);
        }
        return type.asSubclass(contract);
    }

    private T instance(Class<? extends T> type) {
        try {
            return contract.cast(call(type.getDeclaredConstructor()));
        } catch (NoSuchMethodException e) {
            throw new IllegalArgumentException(
                    what + " must have a constructor without arguments, which holds its defaults, got: class "
                            + type.getName(),
                    e);
        }
    }

    private static Object call(Constructor<?> constructor, Object... arguments) {
        try {
            constructor.setAccessible(true);
            return constructor.newInstance(arguments);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException("cannot make " + constructor, e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("cannot make " + constructor, e);
        }
    }

    /** {@code value} in the type of {@code standard}. */
    private static Object convert(String name, @Nullable Object value, Object standard) {
        String text = String.valueOf(value);
        return switch (standard) {
            case Double ignored -> number(name, value, text);
            case Integer ignored -> Math.toIntExact(integer(name, text));
            case Long ignored -> integer(name, text);
            case Boolean ignored -> {
                if (!text.equals("true") && !text.equals("false")) {
                    throw new IllegalArgumentException(name + " must be true or false, got: " + text);
                }
                yield Boolean.valueOf(text);
            }
            case String ignored -> text;
            case Enum<?> constant -> {
                List<String> names = new ArrayList<>();
                for (Enum<?> candidate : constant.getDeclaringClass().getEnumConstants()) {
                    String kebab = candidate.name().toLowerCase(Locale.ROOT).replace('_', '-');
                    if (kebab.equals(text)) {
                        yield candidate;
                    }
                    names.add(kebab);
                }
                throw new IllegalArgumentException(NearestName.message(name, text, names));
            }
            default ->
                throw new IllegalArgumentException(
                        name + " must be a number, a boolean, a name or a string, got a parameter of "
                                + standard.getClass());
        };
    }

    private static double number(String name, @Nullable Object value, String text) {
        if (value instanceof Number number) {
            return number.doubleValue();
        }
        if (text.equals(".inf") || text.equals("inf")) {
            return Double.POSITIVE_INFINITY;
        }
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + " must be a number, got: " + text, e);
        }
    }

    private static long integer(String name, String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + " must be a whole number, got: " + text, e);
        }
    }

    private static String kebab(String component) {
        StringBuilder kebab = new StringBuilder();
        for (char c : component.toCharArray()) {
            if (Character.isUpperCase(c)) {
                kebab.append('-');
            }
            kebab.append(Character.toLowerCase(c));
        }
        return kebab.toString();
    }
}

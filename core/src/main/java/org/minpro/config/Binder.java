package org.minpro.config;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.net.URI;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Makes records of {@link Settings}, and YAML of records.
 *
 * <p>A component may be a boolean, a number, a string, a path, an address, an enum, a map from strings (to plain values
 * where it is a {@code Map<String, Object>}), another record (a section), or an interface that one of the {@link NamedRecords}s
 * names the implementations of, or a list of any of these. A setting may be null where its default is null.
 *
 * <p>The defaults are those of the constructor without arguments. Where some settings must be given, they are the first
 * components, and the constructor that takes them alone holds the defaults of the others.
 *
 * <p>All problems are found in one go: unknown names (with the nearest one), wrong types, and what the compact constructors
 * refuse. A constructor stops at its first rule; its message begins with the component's name, so that component is put back to
 * its default and the constructor asked again. A refused setting that has no default ends the search in its record.
 */
public final class Binder {
    /** The key that chooses an implementation: {@code objective: {name: minpro, cap: 3}}. */
    static final String NAME = "name";

    private final Map<Class<?>, NamedRecords<?>> tables = new LinkedHashMap<>();
    private final ClassLoader loader;

    public Binder(NamedRecords<?>... tables) {
        this(Binder.class.getClassLoader(), List.of(tables));
    }

    /**
     * A binder.
     *
     * @param loader finds implementations that are given by class name
     * @param tables the interfaces that components may have
     */
    public Binder(ClassLoader loader, List<NamedRecords<?>> tables) {
        this.loader = loader;
        tables.forEach(table -> this.tables.put(table.contract(), table));
    }

    /**
     * The record that the settings describe; what they do not give has its default.
     *
     * @throws ConfigurationException with every problem, those of reading the settings included
     */
    public <R extends Record> R bind(Class<R> type, Settings settings) {
        return bind(type, null, settings);
    }

    /**
     * The record with what the settings change.
     *
     * @throws ConfigurationException with every problem, those of reading the settings included
     */
    public <R extends Record> R bind(R start, Settings settings) {
        @SuppressWarnings("unchecked")
        Class<R> type = (Class<R>) start.getClass();
        return bind(type, start, settings);
    }

    private <R extends Record> R bind(Class<R> type, @Nullable R start, Settings settings) {
        List<ConfigurationProblem> problems = new ArrayList<>(settings.problems());
        Binding binding = new Binding(problems, settingPaths(type));
        Object bound = binding.record(type, start, settings.tree(shortForms(type), problems), "");
        if (!problems.isEmpty() || bound == null) {
            throw new ConfigurationException(problems);
        }
        return type.cast(bound);
    }

    /**
     * An implementation by name with parameters, as {@code minpro objectives NAME --set cap=3} needs it.
     *
     * @throws ConfigurationException with every problem
     */
    public <T> T choose(NamedRecords<T> table, String name, Settings parameters) {
        List<ConfigurationProblem> problems = new ArrayList<>(parameters.problems());
        Binding binding = new Binding(problems, new TreeSet<>());
        Value.Section tree = parameters
                .tree(Map.of(), problems)
                .with(NAME, new Value.Entry(table.what(), new Value.Raw(name, table.what())));
        Object bound = binding.choice(table, null, tree, "");
        if (!problems.isEmpty() || bound == null) {
            throw new ConfigurationException(problems);
        }
        return table.contract().cast(bound);
    }

    /** The short forms that a record's components have, by their settings. */
    private Map<String, Settings.Choice> shortForms(Class<?> type) {
        Map<String, Settings.Choice> forms = new LinkedHashMap<>();
        for (RecordComponent component : type.getRecordComponents()) {
            ShortForm form = component.getAnnotation(ShortForm.class);
            NamedRecords<?> table = tables.get(component.getType());
            if (form != null && table != null) {
                forms.put(form.name(), new Settings.Choice(kebab(component.getName()), table.nameOf(form.of())));
            }
        }
        return forms;
    }

    /**
     * The record as a recipe that binds to an equal record; the same bytes for equal records.
     *
     * @param comments whether each setting's {@link Doc} stands above it
     */
    public String write(Record record, boolean comments) {
        return new RecipeWriter(tables, comments).write(record);
    }

    /**
     * The same record with one setting changed, checked by the constructors on the way.
     *
     * @param path kebab-case names joined by dots: {@code optimizer.learning-rate}
     * @param value an instance of the setting's type
     * @throws IllegalArgumentException for an unknown name, another type, or a value that a constructor refuses
     */
    public static <R extends Record> R with(R record, String path, @Nullable Object value) {
        int dot = path.indexOf('.');
        String name = dot < 0 ? path : path.substring(0, dot);
        RecordComponent[] components = record.getClass().getRecordComponents();
        @Nullable Object[] values = values(record);
        for (int i = 0; i < components.length; i++) {
            ShortForm form = components[i].getAnnotation(ShortForm.class);
            boolean shortened = form != null && form.name().equals(path);
            if (shortened || kebab(components[i].getName()).equals(name)) {
                if (shortened) {
                    values[i] = construct(form.of(), new @Nullable Object[] {value});
                } else if (dot < 0) {
                    values[i] = value;
                } else if (values[i] instanceof Record inner) {
                    values[i] = with(inner, path.substring(dot + 1), value);
                } else {
                    throw new IllegalArgumentException(name + " must be a section, got: " + path);
                }
                @SuppressWarnings("unchecked")
                Class<R> type = (Class<R>) record.getClass();
                return construct(type, values);
            }
        }
        List<String> names = Arrays.stream(components)
                .map(component -> kebab(component.getName()))
                .toList();
        throw new IllegalArgumentException(
                "path must name a setting, got: '" + path + "'." + NearestName.hint(name, names));
    }

    /** {@code learningRate} as {@code learning-rate}. */
    static String kebab(String component) {
        return component.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }

    /** {@code TOKEN_MEAN} as {@code token-mean}. */
    static String kebab(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The record of the defaults, or null where the class has no constructor without arguments. */
    static @Nullable Object defaults(Class<?> type) {
        try {
            Constructor<?> constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            return constructor.newInstance();
        } catch (NoSuchMethodException e) {
            return null;
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("the defaults of " + type.getName() + " cannot be made", e);
        }
    }

    /** How many of a record's components, from the first, must be given: the fewest that a constructor takes. */
    private static int required(Class<?> type) {
        Class<?>[] types = types(type);
        return Arrays.stream(type.getDeclaredConstructors())
                .map(Constructor::getParameterTypes)
                .filter(parameters -> parameters.length <= types.length
                        && Arrays.equals(parameters, Arrays.copyOf(types, parameters.length)))
                .mapToInt(parameters -> parameters.length)
                .min()
                .orElse(types.length);
    }

    private static Class<?>[] types(Class<?> record) {
        return Arrays.stream(record.getRecordComponents())
                .map(RecordComponent::getType)
                .toArray(Class<?>[]::new);
    }

    static @Nullable Object[] values(Object record) {
        RecordComponent[] components = record.getClass().getRecordComponents();
        @Nullable Object[] values = new @Nullable Object[components.length];
        for (int i = 0; i < components.length; i++) {
            try {
                components[i].getAccessor().setAccessible(true);
                values[i] = components[i].getAccessor().invoke(record);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(components[i] + " cannot be read", e);
            }
        }
        return values;
    }

    /** An instance by the constructor that takes the first components, as many as there are values. */
    private static <R> R construct(Class<R> type, @Nullable Object[] values) {
        try {
            Constructor<R> constructor = type.getDeclaredConstructor(Arrays.copyOf(types(type), values.length));
            constructor.setAccessible(true);
            return constructor.newInstance(values);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof RuntimeException refusal) {
                throw refusal;
            }
            throw new IllegalStateException(type.getName() + " cannot be made", e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(type.getName() + " cannot be made", e);
        }
    }

    /** Every path that a record type offers, for "did you mean" across sections. */
    private static Set<String> settingPaths(Class<?> type) {
        Set<String> paths = new TreeSet<>();
        collect(type, "", paths);
        return paths;
    }

    private static void collect(Class<?> type, String prefix, Set<String> paths) {
        for (RecordComponent component : type.getRecordComponents()) {
            String path = prefix + kebab(component.getName());
            paths.add(path);
            ShortForm form = component.getAnnotation(ShortForm.class);
            if (form != null) {
                paths.add(prefix + form.name());
            }
            if (component.getType().isRecord()) {
                collect(component.getType(), path + ".", paths);
            }
        }
    }

    /** One pass over the tree; collects problems. */
    private final class Binding {
        private final List<ConfigurationProblem> problems;
        private final Set<String> allPaths;

        Binding(List<ConfigurationProblem> problems, Set<String> allPaths) {
            this.problems = problems;
            this.allPaths = allPaths;
        }

        private void problem(String origin, String message) {
            problems.add(new ConfigurationProblem(origin, message));
        }

        /** @param start what has the defaults, or null for those of the class */
        @Nullable Object record(Class<?> type, @Nullable Object start, Value.Section section, String prefix) {
            return new RecordBinding(type, section, prefix).bind(start);
        }

        /** One record: its settings one by one, then its constructor. */
        private final class RecordBinding {
            private final Class<?> type;
            private final RecordComponent[] components;
            private final Value.Section section;
            private final String prefix;
            private final @Nullable Object[] values;
            private final boolean[] given;
            private boolean incomplete;

            RecordBinding(Class<?> type, Value.Section section, String prefix) {
                this.type = type;
                this.section = section;
                this.prefix = prefix;
                components = type.getRecordComponents();
                values = new @Nullable Object[components.length];
                given = new boolean[components.length];
            }

            @Nullable Object bind(@Nullable Object start) {
                incomplete = unknownNames(components, section, prefix);
                int required = start == null ? required(type) : 0;
                boolean enough = true;
                for (int i = 0; i < required; i++) {
                    Value.Entry entry = section.entries().get(name(i));
                    if (entry == null) {
                        problem(section.origin(), prefix + name(i) + " must be given");
                    } else if (isNull(entry.value())) {
                        problem(entry.value().origin(), prefix + name(i) + " must be given a value, got: null");
                    } else {
                        convertInto(i, entry.value(), null);
                    }
                    enough &= given[i];
                }
                @Nullable Object[] fallback = start != null ? values(start) : enough ? defaults(required) : null;
                boolean complete = enough;
                for (int i = required; i < components.length; i++) {
                    values[i] = fallback == null ? null : fallback[i];
                    Value.Entry entry = section.entries().get(name(i));
                    if (entry != null) {
                        convertInto(i, entry.value(), values[i]);
                    }
                    complete &= given[i];
                }
                return fallback != null || complete ? construct(fallback) : null;
            }

            private String name(int i) {
                return kebab(components[i].getName());
            }

            private void convertInto(int i, Value value, @Nullable Object fallback) {
                int before = problems.size();
                Object converted = convert(components[i].getGenericType(), fallback, value, prefix + name(i));
                if (problems.size() == before) {
                    values[i] = converted;
                    given[i] = true;
                } else {
                    incomplete = true;
                }
            }

            /** The defaults where some settings are required and given; null where there are none. */
            private @Nullable Object @Nullable [] defaults(int required) {
                if (required == components.length) {
                    return null;
                }
                try {
                    return values(Binder.construct(type, Arrays.copyOf(values, required)));
                } catch (IllegalArgumentException | NullPointerException e) {
                    boolean needed = false;
                    for (int i = 0; i < components.length; i++) {
                        needed |= !section.entries().containsKey(name(i));
                    }
                    if (needed) {
                        refused(String.valueOf(e.getMessage()));
                    }
                    return null;
                }
            }

            private @Nullable Object construct(@Nullable Object @Nullable [] fallback) {
                boolean putBack = false;
                while (true) {
                    try {
                        return Binder.construct(type, values);
                    } catch (IllegalArgumentException | NullPointerException e) {
                        String message = String.valueOf(e.getMessage());
                        int culprit = culprit(message);
                        boolean ours = culprit >= 0 && given[culprit];
                        if (ours || !putBack) {
                            refused(message);
                        }
                        if (!ours || fallback == null) {
                            return null;
                        }
                        given[culprit] = false;
                        putBack = true;
                        values[culprit] = fallback[culprit];
                    }
                }
            }

            /** Reports what a constructor refuses, at the setting that its message begins with. */
            private void refused(String message) {
                int culprit = culprit(message);
                String rule = culprit < 0
                        ? message
                        : name(culprit) + message.substring(leadingName(message).length());
                if (culprit >= 0 && given[culprit]) {
                    Value.Entry entry = section.entries().get(name(culprit));
                    problem(entry == null ? section.origin() : entry.value().origin(), prefix + rule);
                } else if (!incomplete) {
                    // A value that could not be read may be what breaks the rule.
                    problem(blamed(), prefix + rule);
                }
            }

            /** Where a default breaks a rule, the one setting that is given makes it do so; of several, any may. */
            private String blamed() {
                List<String> origins = new ArrayList<>();
                for (int i = 0; i < components.length; i++) {
                    Value.Entry entry = section.entries().get(name(i));
                    if (given[i] && entry != null) {
                        origins.add(entry.value().origin());
                    }
                }
                return origins.size() == 1 ? origins.getFirst() : section.origin();
            }

            private int culprit(String message) {
                String name = leadingName(message);
                for (int i = 0; i < components.length; i++) {
                    if (components[i].getName().equals(name) || name(i).equals(name)) {
                        return i;
                    }
                }
                return -1;
            }

            private static String leadingName(String message) {
                int end = 0;
                while (end < message.length()
                        && (Character.isLetterOrDigit(message.charAt(end)) || message.charAt(end) == '-')) {
                    end++;
                }
                return message.substring(0, end);
            }
        }

        private boolean unknownNames(RecordComponent[] components, Value.Section section, String prefix) {
            List<String> names = Arrays.stream(components)
                    .map(component -> kebab(component.getName()))
                    .toList();
            boolean found = false;
            for (Map.Entry<String, Value.Entry> entry : section.entries().entrySet()) {
                String name = entry.getKey();
                if (!names.contains(name)) {
                    problem(
                            entry.getValue().keyOrigin(),
                            "unknown setting '" + prefix + name + "'." + hint(name, prefix, names));
                    found = true;
                }
            }
            return found;
        }

        private String hint(String name, String prefix, List<String> names) {
            String near =
                    NearestName.of(name, names).map(found -> prefix + found).orElse(null);
            if (near == null) {
                // The right name in the wrong section.
                String wanted = kebab(name.replace('_', '-'));
                near = allPaths.stream()
                        .filter(path -> path.equals(wanted) || path.endsWith("." + wanted))
                        .findFirst()
                        .orElseGet(() -> NearestName.of(prefix + name, allPaths).orElse(null));
            }
            if (near != null) {
                return " Did you mean '" + near + "'?";
            }
            String place = prefix.isEmpty()
                    ? "The settings"
                    : "The settings of '" + prefix.substring(0, prefix.length() - 1) + "'";
            return names.isEmpty()
                    ? " " + place + " are none."
                    : " " + place + " are " + String.join(", ", names) + ".";
        }

        private @Nullable Object convert(Type type, @Nullable Object fallback, Value value, String path) {
            if (isNull(value)) {
                if (fallback != null) {
                    problem(value.origin(), path + " must be given a value, got: null");
                }
                return null;
            }
            Class<?> raw = (Class<?>) (type instanceof ParameterizedType generic ? generic.getRawType() : type);
            NamedRecords<?> table = tables.get(raw);
            if (table != null) {
                return choice(table, fallback, value, path);
            }
            if (raw.isRecord()) {
                Value structured = structured(value);
                if (structured instanceof Value.Section section) {
                    return record(raw, fallback, section, path + ".");
                }
                return wrong(path, "a section", value);
            }
            if (raw == List.class) {
                return list(((ParameterizedType) type).getActualTypeArguments()[0], value, path);
            }
            if (raw == Map.class) {
                if (structured(value) instanceof Value.Section section) {
                    return map(((ParameterizedType) type).getActualTypeArguments()[1], section, path);
                }
                return wrong(path, "a map", value);
            }
            return scalar(raw, value, path);
        }

        private boolean isNull(Value value) {
            return switch (value) {
                case Value.Scalar scalar -> !scalar.quoted() && scalar.yaml() == null;
                case Value.Raw text ->
                    text.text().isEmpty()
                            || text.text().equals("null")
                            || text.text().equals("~");
                default -> false;
            };
        }

        /** An option's text as YAML where a list, a map or a section is wanted. */
        private Value structured(Value value) {
            if (value instanceof Value.Raw text) {
                Value parsed = Yaml.inline(text.origin(), text.text(), problems);
                return parsed == null ? value : parsed;
            }
            return value;
        }

        private @Nullable Object map(Type elementType, Value.Section section, String path) {
            if (elementType == Object.class) {
                return Yaml.plain(section);
            }
            Map<String, @Nullable Object> map = new LinkedHashMap<>();
            section.entries().forEach((key, entry) -> {
                Value value = withUnwrapped(elementType, key, entry.value());
                Object element = convert(elementType, null, value, path + "." + key);
                if (element == null && isNull(value)) {
                    problem(value.origin(), path + "." + key + " must not be null");
                }
                map.put(key, element);
            });
            return map;
        }

        /** A map's value with the parameters of its {@link Unwrapped} component where that component has them. */
        private Value withUnwrapped(Type elementType, String key, Value value) {
            RecordComponent inner = unwrapped(elementType);
            if (inner == null) {
                return value;
            }
            String name = kebab(inner.getName());
            Value structured = isNull(value) ? new Value.Section(Map.of(), value.origin()) : structured(value);
            if (!(structured instanceof Value.Section section)) {
                return value;
            }
            Value.Entry chosen = section.entries().get(name);
            Value.Section parameters;
            switch (chosen == null ? null : chosen.value()) {
                case null -> parameters = new Value.Section(Map.of(), section.origin());
                case Value.Sequence ignored -> {
                    return value;
                }
                case Value other -> parameters = named(other, name);
            }
            if (parameters == null) {
                return value;
            }
            if (!parameters.entries().containsKey(NAME)) {
                Value.Raw named = new Value.Raw(key, section.origin());
                parameters = parameters.with(NAME, new Value.Entry(section.origin(), named));
            }
            Set<String> own = new TreeSet<>();
            for (RecordComponent component : inner.getDeclaringRecord().getRecordComponents()) {
                own.add(kebab(component.getName()));
            }
            Value.Section outer = new Value.Section(Map.of(), section.origin());
            for (Map.Entry<String, Value.Entry> entry : section.entries().entrySet()) {
                if (own.contains(entry.getKey())) {
                    outer = outer.with(entry.getKey(), entry.getValue());
                } else {
                    parameters = parameters.with(entry.getKey(), entry.getValue());
                }
            }
            String keyOrigin = chosen == null ? section.origin() : chosen.keyOrigin();
            return outer.with(name, new Value.Entry(keyOrigin, parameters));
        }

        private static @Nullable RecordComponent unwrapped(Type type) {
            if (type instanceof Class<?> record && record.isRecord()) {
                for (RecordComponent component : record.getRecordComponents()) {
                    if (component.isAnnotationPresent(Unwrapped.class)) {
                        return component;
                    }
                }
            }
            return null;
        }

        private @Nullable Object list(Type elementType, Value value, String path) {
            List<Value> elements;
            if (value instanceof Value.Raw text && !isStructured(text, elementType)) {
                // --data a.jsonl --set stop-token-ids=1,2: what a shell makes easy to type.
                elements = Arrays.stream(text.text().split(","))
                        .map(part -> (Value) new Value.Raw(part.strip(), text.origin()))
                        .toList();
            } else if (structured(value) instanceof Value.Sequence sequence) {
                elements = sequence.elements();
            } else if (structured(value) instanceof Value.Section section && takesSections(elementType)) {
                // One record without the brackets, as one name without them.
                elements = List.of(section);
            } else if (value instanceof Value.Scalar) {
                elements = List.of(value);
            } else {
                return wrong(path, "a list", value);
            }
            List<Object> list = new ArrayList<>();
            for (int i = 0; i < elements.size(); i++) {
                Object element = convert(elementType, null, elements.get(i), path + "[" + i + "]");
                if (element != null) {
                    list.add(element);
                } else if (isNull(elements.get(i))) {
                    problem(elements.get(i).origin(), path + "[" + i + "] must not be null");
                }
            }
            return Collections.unmodifiableList(list);
        }

        /** Whether a list is written in YAML's brackets, or one section of it in braces. */
        private boolean isStructured(Value.Raw text, Type elementType) {
            return text.text().startsWith("[") || (text.text().startsWith("{") && takesSections(elementType));
        }

        private boolean takesSections(Type elementType) {
            return elementType instanceof Class<?> type && (tables.containsKey(type) || type.isRecord());
        }

        private Value.@Nullable Section named(Value value, String path) {
            if (value instanceof Value.Raw text && !text.text().startsWith("{")) {
                return new Value.Section(Map.of(NAME, new Value.Entry(text.origin(), text)), text.origin());
            }
            return switch (structured(value)) {
                case Value.Section found -> found;
                case Value.Scalar name ->
                    new Value.Section(Map.of(NAME, new Value.Entry(name.origin(), name)), name.origin());
                default -> {
                    wrong(path, "a name or a section with a name", value);
                    yield null;
                }
            };
        }

        @Nullable Object choice(NamedRecords<?> table, @Nullable Object fallback, Value value, String path) {
            Value.Section section = named(value, path);
            if (section == null) {
                return null;
            }
            String prefix = path.isEmpty() ? "" : path + ".";
            Value.Entry name = section.entries().get(NAME);
            Class<?> type;
            if (name == null) {
                if (fallback == null) {
                    problem(
                            section.origin(),
                            prefix + NAME + " must be given: one of " + String.join(", ", table.names()));
                    return null;
                }
                type = NamedRecords.typeOf(fallback);
            } else {
                String text = text(name.value());
                if (text == null) {
                    return wrong(prefix + NAME, "a name", name.value());
                }
                try {
                    type = table.typeOf(text, loader);
                } catch (IllegalArgumentException e) {
                    problem(name.value().origin(), (path.isEmpty() ? table.what() : path) + " " + e.getMessage());
                    return null;
                }
            }
            Map<String, Value.Entry> parameters = new LinkedHashMap<>(section.entries());
            parameters.remove(NAME);
            Value.Section remaining = new Value.Section(parameters, section.origin());
            Object start = fallback != null && NamedRecords.typeOf(fallback) == type ? fallback : null;
            return type.isRecord()
                    ? record(type, start, remaining, prefix)
                    : ofClass(table, type, start, remaining, path);
        }

        /** An instance of a class that is no record. */
        private @Nullable Object ofClass(
                NamedRecords<?> table, Class<?> type, @Nullable Object start, Value.Section parameters, String path) {
            if (table.makesClasses()) {
                Map<String, @Nullable Object> free = new LinkedHashMap<>();
                if (start instanceof ByClassName chosen) {
                    free.putAll(chosen.parameters());
                }
                parameters.entries().forEach((name, entry) -> free.put(name, Yaml.plain(structured(entry.value()))));
                try {
                    return table.ofClass(type, free);
                } catch (IllegalArgumentException e) {
                    problem(parameters.origin(), (path.isEmpty() ? table.what() : path) + " " + e.getMessage());
                    return null;
                }
            }
            unknownNames(new RecordComponent[0], parameters, path.isEmpty() ? "" : path + ".");
            if (start != null) {
                return start;
            }
            Object instance = defaults(type);
            if (instance == null) {
                problem(
                        parameters.origin(),
                        path + " must be a record or have a no-argument constructor, got: " + type.getName());
            }
            return instance;
        }

        private @Nullable Object wrong(String path, String kind, Value value) {
            problem(value.origin(), path + " must be " + kind + ", got: " + value.shown());
            return null;
        }

        private @Nullable String text(Value value) {
            return switch (value) {
                case Value.Scalar scalar -> scalar.text();
                case Value.Raw raw -> raw.text();
                default -> null;
            };
        }

        private @Nullable Object scalar(Class<?> type, Value value, String path) {
            String text = text(value);
            if (type == String.class) {
                if (value instanceof Value.Raw raw
                        && raw.text().length() > 1
                        && raw.text().startsWith("\"")) {
                    Value parsed = Yaml.inline(raw.origin(), raw.text(), problems);
                    text = parsed instanceof Value.Scalar scalar ? scalar.text() : text;
                }
                return text != null ? text : wrong(path, "a text", value);
            }
            if (text == null) {
                return wrong(path, kind(type), value);
            }
            if (type.isEnum()) {
                return constant(type, text, value, path);
            }
            try {
                return parse(type, text);
            } catch (IllegalArgumentException e) {
                return wrong(path, kind(type), value);
            }
        }

        private @Nullable Object constant(Class<?> type, String text, Value value, String path) {
            List<String> names = new ArrayList<>();
            for (Object constant : type.getEnumConstants()) {
                String name = kebab((Enum<?>) constant);
                if (name.equals(text)) {
                    return constant;
                }
                names.add(name);
            }
            problem(
                    value.origin(),
                    path + " must be one of " + String.join(", ", names) + ", got: " + value.shown() + "."
                            + NearestName.hint(text, names));
            return null;
        }
    }

    private static final Pattern INTEGER = Pattern.compile("[-+]?[0-9]+(_[0-9]+)*");
    private static final Pattern NUMBER = Pattern.compile("[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)?");

    private static final Map<Class<?>, Function<String, Object>> PARSERS = Map.of(
            int.class,
            text -> Integer.parseInt(integer(text)),
            long.class,
            text -> Long.parseLong(integer(text)),
            double.class,
            text -> Double.parseDouble(number(text)),
            float.class,
            text -> Float.parseFloat(number(text)),
            boolean.class,
            Binder::truth,
            Path.class,
            Path::of,
            URI.class,
            URI::create,
            Address.class,
            Address::of);

    private static String integer(String text) {
        if (!INTEGER.matcher(text).matches()) {
            throw new IllegalArgumentException(text);
        }
        return text.replace("_", "");
    }

    private static String number(String text) {
        if (text.equals(".inf") || text.equals("-.inf")) {
            return text.replace(".inf", "Infinity");
        }
        if (!NUMBER.matcher(text).matches() || Double.isInfinite(Double.parseDouble(text))) {
            throw new IllegalArgumentException(text);
        }
        return text;
    }

    private static Object truth(String text) {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException(text);
        };
    }

    private static Class<?> unboxed(Class<?> type) {
        if (type == Integer.class) {
            return int.class;
        }
        if (type == Long.class) {
            return long.class;
        }
        if (type == Double.class) {
            return double.class;
        }
        if (type == Float.class) {
            return float.class;
        }
        return type == Boolean.class ? boolean.class : type;
    }

    private static Object parse(Class<?> type, String text) {
        Function<String, Object> parser = PARSERS.get(unboxed(type));
        if (parser == null) {
            throw new IllegalStateException("a setting cannot have the type " + type.getName());
        }
        try {
            return parser.apply(text);
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException(text, e);
        }
    }

    private static String kind(Class<?> type) {
        Class<?> unboxed = unboxed(type);
        if (unboxed == int.class) {
            return "an integer of at most 2147483647";
        }
        if (unboxed == long.class) {
            return "an integer";
        }
        if (unboxed == double.class || unboxed == float.class) {
            return "a number";
        }
        if (unboxed == boolean.class) {
            return "true or false";
        }
        return type.isEnum() ? "a name" : unboxed == URI.class || unboxed == Address.class ? "an address" : "a path";
    }
}

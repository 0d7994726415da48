package org.minpro.config;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What somebody configured, layer over layer, before it is bound to a record: a file, then {@code --set}, then dedicated
 * options; later layers win. Every value keeps its origin; what cannot be read is kept too and reported with all else by
 * {@link Binder#bind}.
 */
public final class Settings {
    private final List<ConfigurationProblem> problems = new ArrayList<>();
    private final List<String> warnings = new ArrayList<>();
    private final Map<String, Value.Raw> sets = new LinkedHashMap<>();
    private final Map<String, Value.Raw> options = new LinkedHashMap<>();
    private final List<Value.Section> files = new ArrayList<>();

    /** Adds a recipe file; its settings win over files added before. */
    public Settings file(Path path) {
        try {
            return yaml(path.toString(), Files.readString(path));
        } catch (NoSuchFileException e) {
            problem(
                    path.toString(),
                    "does not exist (looked for " + path.toAbsolutePath().normalize() + ")");
        } catch (CharacterCodingException e) {
            problem(path.toString(), "must be UTF-8, and is not");
        } catch (IOException e) {
            problem(path.toString(), "cannot be read: " + e.getMessage());
        }
        return this;
    }

    /**
     * Adds the text of a recipe.
     *
     * @param source its name in origins
     */
    public Settings yaml(String source, String text) {
        switch (Yaml.file(source, text, problems)) {
            case null -> {}
            case Value.Section section -> files.add(section);
            case Value other ->
                problem(other.origin(), "must be settings of the form 'name: value', got: " + other.shown());
        }
        return this;
    }

    /**
     * Adds values that a program has.
     *
     * @param source their origin
     * @param values booleans, numbers, strings, lists and maps by setting
     */
    public Settings map(String source, Map<String, ?> values) {
        files.add((Value.Section) Yaml.value(source, values));
        return this;
    }

    /** Adds {@code path=value}, as {@code --set} takes it; a value is text, or YAML where the setting is a list or a map. */
    public Settings set(String assignment) {
        String origin = "--set " + assignment;
        int equals = assignment.indexOf('=');
        if (equals < 1) {
            problem(origin, "must be name=value, got: '" + assignment + "'");
            return this;
        }
        String path = assignment.substring(0, equals).strip();
        // The same setting again: the last one wins, as with every command line.
        sets.remove(path);
        sets.put(path, new Value.Raw(assignment.substring(equals + 1).strip(), origin));
        return this;
    }

    /** Adds the value of a dedicated option, such as {@code option("lag", "4", "--lag")}. */
    public Settings option(String path, String value, String option) {
        options.remove(path);
        options.put(path, new Value.Raw(value, option));
        return this;
    }

    /** Adds the values of a dedicated option that may be repeated, for a setting that is a list. */
    public Settings option(String path, List<String> values, String option) {
        String list = values.stream()
                .map(value -> "'" + value.replace("'", "''") + "'")
                .collect(Collectors.joining(", ", "[", "]"));
        return option(path, list, option);
    }

    /** Whether any layer gives this setting itself. */
    public boolean gives(String path) {
        return options.containsKey(path)
                || sets.containsKey(path)
                || files.stream().anyMatch(file -> find(file, path) != null);
    }

    /**
     * These, where every file could be read: what one that could not does not give would be reported as missing.
     *
     * @throws ConfigurationException with what is wrong with the files
     */
    public Settings requireRead() {
        if (!problems.isEmpty()) {
            throw new ConfigurationException(problems());
        }
        return this;
    }

    /** What the files give, as they have it: maps, lists and texts. */
    public Map<String, Object> given() {
        return plain(joined(UnaryOperator.identity()));
    }

    /** The files in one tree, each changed first. */
    private Value.Section joined(UnaryOperator<Value.Section> change) {
        Value.Section all = new Value.Section(Map.of(), "the defaults");
        for (Value.Section file : files) {
            all = merge(all, change.apply(file));
        }
        return all;
    }

    private static Map<String, Object> plain(Value.Section section) {
        Map<String, Object> plain = new LinkedHashMap<>();
        section.entries().forEach((name, entry) -> plain.put(name, plain(entry.value())));
        return plain;
    }

    private static Object plain(Value value) {
        return switch (value) {
            case Value.Scalar scalar -> scalar.text();
            case Value.Raw raw -> raw.text();
            case Value.Sequence sequence ->
                sequence.elements().stream().map(Settings::plain).toList();
            case Value.Section section -> plain(section);
        };
    }

    /** What was given and has no effect, one line each. */
    public List<String> warnings() {
        List<String> all = new ArrayList<>(warnings);
        sets.forEach((path, raw) -> {
            Value.Raw option = options.get(path);
            if (option != null && !option.text().equals(raw.text())) {
                all.add(raw.origin() + " has no effect: " + option.origin() + " " + option.text() + " is given too");
            }
        });
        return all;
    }

    List<ConfigurationProblem> problems() {
        return List.copyOf(problems);
    }

    /**
     * A choice that a setting is short for.
     *
     * @param setting that makes the choice
     * @param name what is chosen
     */
    record Choice(String setting, String name) {}

    /**
     * All layers in one tree.
     *
     * @param shortForms what settings are short for
     * @param found problems are added to it
     */
    Value.Section tree(Map<String, Choice> shortForms, List<ConfigurationProblem> found) {
        // In each file by itself: lag in one and staleness in a later one are two values of a setting, of which the
        // later wins.
        Value.Section tree = joined(file -> {
            Value.Section layer = file;
            for (Map.Entry<String, Choice> form : shortForms.entrySet()) {
                layer = written(layer, form.getKey(), form.getValue(), found);
            }
            return layer;
        });
        Map<String, Value> ofOptions = written(options, shortForms, found);
        Map<String, Value> ofSets = written(sets, shortForms, found);
        shortForms.forEach((name, choice) -> {
            Value.Raw option = options.containsKey(name) ? options.get(name) : options.get(choice.setting());
            Value.Raw set = sets.get(options.containsKey(name) ? choice.setting() : name);
            if (option != null && set != null) {
                found.add(both(set.origin(), option.origin(), name, choice));
            }
        });
        // A dedicated option may replace a whole section (--objective grpo) whose parameters a --set then changes
        // (--set objective.cap=3), so options come first and hide the --set of the very same setting.
        for (Map.Entry<String, Value> option : ofOptions.entrySet()) {
            tree = put(tree, path(option.getKey()), option.getValue());
        }
        List<Map.Entry<String, Value>> remaining = new ArrayList<>(ofSets.entrySet());
        remaining.removeIf(set -> ofOptions.containsKey(set.getKey()));
        remaining.sort((a, b) ->
                Integer.compare(path(a.getKey()).size(), path(b.getKey()).size()));
        for (Map.Entry<String, Value> set : remaining) {
            tree = put(tree, path(set.getKey()), set.getValue());
        }
        return tree;
    }

    /** A file's settings with one short form written out. */
    private static Value.Section written(
            Value.Section section, String name, Choice choice, List<ConfigurationProblem> found) {
        Value.Entry given = section.entries().get(name);
        if (given == null) {
            return section;
        }
        Value.Entry chosen = section.entries().get(choice.setting());
        if (chosen != null) {
            found.add(both(given.keyOrigin(), chosen.keyOrigin(), name, choice));
        }
        Map<String, Value.Entry> entries = new LinkedHashMap<>(section.entries());
        entries.remove(name);
        entries.put(choice.setting(), new Value.Entry(given.keyOrigin(), written(name, choice, given.value())));
        return new Value.Section(entries, section.origin());
    }

    private static Map<String, Value> written(
            Map<String, Value.Raw> layer, Map<String, Choice> shortForms, List<ConfigurationProblem> found) {
        Map<String, Value> written = new LinkedHashMap<>();
        layer.forEach((path, value) -> {
            Choice choice = shortForms.get(path);
            if (choice == null) {
                written.put(path, value);
                return;
            }
            Value.Raw chosen = layer.get(choice.setting());
            if (chosen != null) {
                found.add(both(value.origin(), chosen.origin(), path, choice));
            }
            written.put(choice.setting(), written(path, choice, value));
        });
        return written;
    }

    private static Value.Section written(String name, Choice choice, Value value) {
        Value.Raw chosen = new Value.Raw(choice.name(), value.origin());
        return new Value.Section(Map.of(Binder.NAME, new Value.Entry(value.origin(), chosen)), value.origin())
                .with(name, new Value.Entry(value.origin(), value));
    }

    private static ConfigurationProblem both(String origin, String other, String name, Choice choice) {
        return new ConfigurationProblem(
                origin,
                name + " must not be given beside " + choice.setting() + ", which it is short for (" + choice.setting()
                        + ": {name: " + choice.name() + ", " + name + ": ...}), got: both, the other at " + other);
    }

    private void problem(String origin, String message) {
        problems.add(new ConfigurationProblem(origin, message));
    }

    private static List<String> path(String dotted) {
        return Arrays.asList(dotted.split("\\.", -1));
    }

    private static @Nullable Value find(Value.Section root, String dotted) {
        Value value = root;
        for (String name : path(dotted)) {
            Value.Entry entry =
                    value instanceof Value.Section section ? section.entries().get(name) : null;
            if (entry == null) {
                return null;
            }
            value = entry.value();
        }
        return value;
    }

    private static Value.Section merge(Value.Section base, Value.Section over) {
        Value.Section merged = new Value.Section(base.entries(), over.origin());
        for (Map.Entry<String, Value.Entry> entry : over.entries().entrySet()) {
            Value.Entry below = base.entries().get(entry.getKey());
            Value.Entry above = entry.getValue();
            if (below != null) {
                above = new Value.Entry(above.keyOrigin(), merge(below.value(), above.value()));
            }
            merged = merged.with(entry.getKey(), above);
        }
        return merged;
    }

    /** A choice and parameters of it come together in any order: {@code objective: cispo} and {@code objective: {cap: 5}}. */
    private static Value merge(Value below, Value above) {
        if (above instanceof Value.Section upper && !upper.entries().containsKey(Binder.NAME)) {
            if (below instanceof Value.Section lower) {
                return merge(lower, upper);
            }
            return isName(below) ? merge(chosen(below), upper) : above;
        }
        return isName(above)
                        && below instanceof Value.Section lower
                        && !lower.entries().containsKey(Binder.NAME)
                ? merge(lower, chosen(above))
                : above;
    }

    private static boolean isName(Value value) {
        return value instanceof Value.Raw || value instanceof Value.Scalar scalar && scalar.yaml() != null;
    }

    private static Value.Section chosen(Value name) {
        return new Value.Section(Map.of(Binder.NAME, new Value.Entry(name.origin(), name)), name.origin());
    }

    private static Value.Section put(Value.Section section, List<String> path, Value value) {
        String key = path.getFirst();
        Value.Entry existing = section.entries().get(key);
        if (path.size() == 1) {
            Value.Entry name = existing != null && existing.value() instanceof Value.Section chosen
                    ? chosen.entries().get(Binder.NAME)
                    : null;
            boolean sameChoice = name != null
                    && name.value() instanceof Value.Scalar scalar
                    && value instanceof Value.Raw raw
                    && scalar.text().equals(raw.text());
            return sameChoice ? section : section.with(key, new Value.Entry(value.origin(), value));
        }
        Value.Section inner = switch (existing == null ? null : existing.value()) {
            case Value.Section found -> found;
            case null -> new Value.Section(Map.of(), value.origin());
            // 'objective: minpro' and then 'objective.cap=3'.
            case Value chosen -> chosen(chosen);
        };
        String keyOrigin = existing == null ? value.origin() : existing.keyOrigin();
        return section.with(key, new Value.Entry(keyOrigin, put(inner, path.subList(1, path.size()), value)));
    }
}

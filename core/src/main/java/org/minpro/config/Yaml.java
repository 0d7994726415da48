package org.minpro.config;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.common.ScalarStyle;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.AnchorNode;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/** YAML text as {@link Value}s; what cannot be read becomes problems. */
final class Yaml {
    private final Function<Optional<Mark>, String> origin;
    private final List<ConfigurationProblem> problems;
    private final Set<Node> open = Collections.newSetFromMap(new IdentityHashMap<>());

    private Yaml(Function<Optional<Mark>, String> origin, List<ConfigurationProblem> problems) {
        this.origin = origin;
        this.problems = problems;
    }

    /** The root of a file, or null where it is empty or unreadable. */
    static @Nullable Value file(String source, String text, List<ConfigurationProblem> problems) {
        return parse(
                text,
                mark -> mark.map(m -> source + ":" + (m.getLine() + 1) + ":" + (m.getColumn() + 1))
                        .orElse(source),
                problems);
    }

    /** The value of an option; every node has the option's origin. */
    static @Nullable Value inline(String option, String text, List<ConfigurationProblem> problems) {
        return parse(text, mark -> option, problems);
    }

    private static @Nullable Value parse(
            String text, Function<Optional<Mark>, String> origin, List<ConfigurationProblem> problems) {
        Yaml yaml = new Yaml(origin, problems);
        try {
            LoadSettings settings = LoadSettings.builder().build();
            Optional<Node> root = new Compose(settings).composeString(text);
            return root.isEmpty() ? null : yaml.convert(root.get());
        } catch (MarkedYamlEngineException e) {
            String what = e.getProblem() == null ? "unreadable" : e.getProblem();
            problems.add(
                    new ConfigurationProblem(origin.apply(e.getProblemMark()), "is not valid YAML: " + oneLine(what)));
        } catch (YamlEngineException e) {
            problems.add(new ConfigurationProblem(
                    origin.apply(Optional.empty()), "is not valid YAML: " + oneLine(String.valueOf(e.getMessage()))));
        }
        return null;
    }

    private static String oneLine(String text) {
        return text.strip().replaceAll("\\s*\\R\\s*", " ");
    }

    private Value convert(Node node) {
        String at = origin.apply(node.getStartMark());
        if (!open.add(node)) {
            problems.add(new ConfigurationProblem(at, "must not contain itself"));
            return new Value.Scalar("", false, null, at);
        }
        Value value = switch (node) {
            case ScalarNode scalar ->
                new Value.Scalar(scalar.getValue(), scalar.getScalarStyle() != ScalarStyle.PLAIN, resolved(scalar), at);
            case SequenceNode sequence ->
                new Value.Sequence(
                        sequence.getValue().stream().map(this::convert).toList(), at);
            case MappingNode mapping -> section(mapping, at);
            case AnchorNode anchor -> convert(anchor.getRealNode());
            default -> throw new IllegalStateException("unknown YAML node " + node.getNodeType());
        };
        open.remove(node);
        return value;
    }

    private Value.Section section(MappingNode mapping, String at) {
        Map<String, Value.Entry> entries = new LinkedHashMap<>();
        for (NodeTuple tuple : mapping.getValue()) {
            Node keyNode = tuple.getKeyNode();
            String keyOrigin = origin.apply(keyNode.getStartMark());
            if (!(keyNode instanceof ScalarNode key)) {
                problems.add(new ConfigurationProblem(keyOrigin, "a key must be a name, got: a list or a section"));
                continue;
            }
            Value.Entry entry = new Value.Entry(keyOrigin, convert(tuple.getValueNode()));
            Value.Entry first = entries.putIfAbsent(key.getValue(), entry);
            if (first != null) {
                problems.add(new ConfigurationProblem(
                        keyOrigin, "'" + key.getValue() + "' is given twice, first at " + first.keyOrigin()));
            }
        }
        return new Value.Section(entries, at);
    }

    /** What a scalar is where no record says its type: Boolean, Integer, Long, BigInteger, Double, String or null. */
    private static @Nullable Object resolved(ScalarNode scalar) {
        Tag tag = scalar.getTag();
        String text = scalar.getValue();
        if (tag.equals(Tag.NULL)) {
            return null;
        }
        if (tag.equals(Tag.BOOL)) {
            return Boolean.valueOf(text);
        }
        if (tag.equals(Tag.INT)) {
            BigInteger integer = new BigInteger(text);
            if (integer.bitLength() < Integer.SIZE) {
                return integer.intValue();
            }
            return integer.bitLength() < Long.SIZE ? (Object) integer.longValue() : integer;
        }
        if (tag.equals(Tag.FLOAT)) {
            return switch (text) {
                case ".inf", "+.inf" -> Double.POSITIVE_INFINITY;
                case "-.inf" -> Double.NEGATIVE_INFINITY;
                case ".nan" -> Double.NaN;
                default -> Double.valueOf(text);
            };
        }
        return text;
    }

    /** A program's object as a value. */
    static Value value(String origin, @Nullable Object object) {
        return switch (object) {
            case Map<?, ?> map -> {
                Map<String, Value.Entry> entries = new LinkedHashMap<>();
                map.forEach((key, element) ->
                        entries.put(String.valueOf(key), new Value.Entry(origin, value(origin, element))));
                yield new Value.Section(entries, origin);
            }
            case List<?> list ->
                new Value.Sequence(
                        list.stream().map(element -> value(origin, element)).toList(), origin);
            case null -> new Value.Scalar("null", false, null, origin);
            case Enum<?> constant -> new Value.Raw(Binder.kebab(constant), origin);
            case String text -> new Value.Raw(text, origin);
            case Double infinite
            when infinite.isInfinite() -> new Value.Scalar(infinite > 0 ? ".inf" : "-.inf", false, infinite, origin);
            default -> new Value.Scalar(String.valueOf(object), false, object, origin);
        };
    }

    /** The value as plain Java objects, for settings that are free maps. */
    static @Nullable Object plain(Value value) {
        return switch (value) {
            case Value.Scalar scalar -> scalar.yaml();
            case Value.Raw raw -> raw.text();
            case Value.Sequence sequence -> {
                List<@Nullable Object> list = new ArrayList<>();
                for (Value element : sequence.elements()) {
                    list.add(plain(element));
                }
                yield list;
            }
            case Value.Section section -> {
                Map<String, @Nullable Object> map = new LinkedHashMap<>();
                section.entries().forEach((key, entry) -> map.put(key, plain(entry.value())));
                yield map;
            }
        };
    }
}

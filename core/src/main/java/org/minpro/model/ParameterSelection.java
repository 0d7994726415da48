package org.minpro.model;

import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Which parameters of a model are trained, its own or those of an adapter beside them; the others are frozen. */
public final class ParameterSelection {
    private static final String LAYERS = "model.layers.";

    private final SequencedSet<String> stored;
    private final long count;
    private final int lowestLayer;
    private final boolean whole;
    private final @Nullable LowRankAdapter adapter;

    /** @param named what is trained, under the names of a checkpoint */
    private ParameterSelection(ModelConfig config, Collection<String> named) {
        adapter = null;
        SequencedMap<String, long[]> shapes = config.parameterShapes();
        SequencedSet<String> names = new LinkedHashSet<>();
        long numbers = 0;
        int lowest = config.layers();
        for (String name : named) {
            names.add(Fusion.storedName(name));
            numbers += Arrays.stream(shapes.getOrDefault(name, new long[0])).reduce(1, Math::multiplyExact);
            lowest = Math.min(lowest, layer(name, config));
        }
        stored = Collections.unmodifiableSequencedSet(names);
        count = numbers;
        lowestLayer = lowest;
        whole = named.size() == shapes.size();
    }

    private ParameterSelection(ModelConfig config, LowRankAdapter adapter) {
        this.adapter = adapter;
        stored = Collections.unmodifiableSequencedSet(
                new LinkedHashSet<>(adapter.storedShapes().sequencedKeySet()));
        count = adapter.count();
        lowestLayer = adapter.modules().stream()
                .mapToInt(module -> layer(module, config))
                .min()
                .orElse(config.layers());
        whole = false;
    }

    /** All parameters. */
    public static ParameterSelection all(ModelConfig config) {
        return new ParameterSelection(config, config.parameterShapes().keySet());
    }

    /** None of the model's own. */
    static ParameterSelection none(ModelConfig config) {
        return new ParameterSelection(config, List.of());
    }

    /** None of the model's own, and all of an adapter. */
    public static ParameterSelection of(ModelConfig config, LowRankAdapter adapter) {
        return new ParameterSelection(config, adapter);
    }

    /**
     * The parameters whose names in a checkpoint ({@link ModelConfig#parameterShapes}) match a pattern.
     *
     * @param patterns names in which {@code *} stands for any letters
     * @throws IllegalArgumentException where a pattern matches nothing, or some but not all of the parts of one tensor are
     *     matched; the message names the setting {@code model.trainable}
     */
    public static ParameterSelection of(ModelConfig config, List<String> patterns) {
        SequencedSet<String> names = config.parameterShapes().sequencedKeySet();
        for (String pattern : patterns) {
            if (names.stream().noneMatch(name -> new NamePattern(pattern).matches(name))) {
                throw new IllegalArgumentException(
                        "model.trainable must hold patterns that match a parameter's name, got: " + pattern
                                + ", which matches none; " + nearest(pattern, config, names));
            }
        }
        SequencedSet<String> matched = names.stream()
                .filter(name -> patterns.stream().anyMatch(pattern -> new NamePattern(pattern).matches(name)))
                .collect(Collectors.toCollection(LinkedHashSet::new));
        if (matched.isEmpty()) {
            throw new IllegalArgumentException("model.trainable must match at least one parameter, got: no pattern");
        }
        matched.forEach(name -> requireWhole(name, matched));
        return new ParameterSelection(config, matched);
    }

    private static void requireWhole(String name, SequencedSet<String> matched) {
        Fusion fusion = Fusion.of(name);
        if (fusion != null && !matched.containsAll(fusion.parts())) {
            throw new IllegalArgumentException("model.trainable must match all of "
                    + String.join(", ", fusion.parts()) + " or none, since they are stored as one tensor, got: "
                    + fusion.parts().stream().filter(matched::contains).collect(Collectors.joining(" and "))
                    + " alone");
        }
    }

    private static String nearest(String pattern, ModelConfig config, SequencedSet<String> names) {
        if (config.tieWordEmbeddings() && new NamePattern(pattern).matches("lm_head.weight")) {
            return "the output head of this model is its embedding, model.embed_tokens.weight";
        }
        return "the nearest name is "
                + names.stream()
                        .min(Comparator.comparingInt(new NamePattern(pattern)::edits))
                        .orElseThrow();
    }

    /** The lowest layer that a gradient of this parameter makes the backward pass reach. */
    private static int layer(String name, ModelConfig config) {
        if (name.startsWith(LAYERS)) {
            return Integer.parseInt(name.substring(LAYERS.length(), name.indexOf('.', LAYERS.length())));
        }
        return name.equals("model.embed_tokens.weight") ? 0 : config.layers();
    }

    /** Whether a parameter is trained, by its name in {@link Parameters#stored}. */
    boolean contains(String name) {
        return stored.contains(name);
    }

    /** The adapter whose parameters are trained; null where those of the model itself are. */
    public @Nullable LowRankAdapter adapter() {
        return adapter;
    }

    /** Whether all parameters are trained. */
    public boolean isWhole() {
        return whole;
    }

    /** Numbers in the parameters that are trained. */
    public long count() {
        return count;
    }

    /** The layer below which nothing is trained, so that no gradient has to go back there; the number of layers where none is trained. */
    public int lowestLayer() {
        return lowestLayer;
    }
}

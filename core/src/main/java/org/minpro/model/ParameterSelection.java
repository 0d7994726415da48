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

/** Which parameters of a model are trained; the others are frozen. */
public final class ParameterSelection {
    /** Matches any letters, none and dots among them. */
    private static final char ANY = '*';

    private static final String LAYERS = "model.layers.";

    private final SequencedSet<String> stored;
    private final long count;
    private final int lowestLayer;
    private final boolean whole;

    /** @param named what is trained, under the names of a checkpoint */
    private ParameterSelection(ModelConfig config, Collection<String> named) {
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

    /** All parameters. */
    public static ParameterSelection all(ModelConfig config) {
        return new ParameterSelection(config, config.parameterShapes().keySet());
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
            if (names.stream().noneMatch(name -> edits(pattern, name) == 0)) {
                throw new IllegalArgumentException(
                        "model.trainable must hold patterns that match a parameter's name, got: " + pattern
                                + ", which matches none; " + nearest(pattern, config, names));
            }
        }
        SequencedSet<String> matched = names.stream()
                .filter(name -> patterns.stream().anyMatch(pattern -> edits(pattern, name) == 0))
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
        if (config.tieWordEmbeddings() && edits(pattern, "lm_head.weight") == 0) {
            return "the output head of this model is its embedding, model.embed_tokens.weight";
        }
        return "the nearest name is "
                + names.stream()
                        .min(Comparator.comparingInt(name -> edits(pattern, name)))
                        .orElseThrow();
    }

    /** Insertions, deletions and substitutions that make a pattern match a name: 0 where it does. */
    private static int edits(String pattern, String name) {
        int[] row = new int[name.length() + 1]; // edits from the pattern so far to each beginning of the name
        for (int j = 0; j < row.length; j++) {
            row[j] = j;
        }
        for (int i = 0; i < pattern.length(); i++) {
            int[] above = row;
            row = new int[above.length];
            boolean any = pattern.charAt(i) == ANY;
            row[0] = any ? above[0] : above[0] + 1;
            for (int j = 1; j < row.length; j++) {
                int change = pattern.charAt(i) == name.charAt(j - 1) ? 0 : 1;
                row[j] = any
                        ? Math.min(above[j], row[j - 1])
                        : Math.min(above[j - 1] + change, Math.min(above[j], row[j - 1]) + 1);
            }
        }
        return row[name.length()];
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

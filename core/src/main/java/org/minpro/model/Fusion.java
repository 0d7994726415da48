package org.minpro.model;

import java.util.Arrays;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * Projections that read the same input and so lie side by side in one tensor.
 *
 * @param whole name of the tensor that they are stored in
 * @param parts their names in a checkpoint, in the order in which they lie
 */
record Fusion(String whole, List<String> parts) {
    private static final List<String> ATTENTION = List.of("q_proj", "k_proj", "v_proj");
    private static final List<String> FEED_FORWARD = List.of("gate_proj", "up_proj");

    /** The fusion that a parameter of a checkpoint is part of; null where it is stored by itself. */
    static @Nullable Fusion of(String name) {
        for (String part : ATTENTION) {
            if (name.contains(".self_attn." + part + ".")) {
                return fuse(name, part, "qkv_proj", ATTENTION);
            }
        }
        for (String part : FEED_FORWARD) {
            if (name.contains("." + part + ".")) {
                return fuse(name, part, "gate_up_proj", FEED_FORWARD);
            }
        }
        return null;
    }

    private static Fusion fuse(String name, String part, String whole, List<String> parts) {
        return new Fusion(
                replace(name, part, whole),
                parts.stream().map(other -> replace(name, part, other)).toList());
    }

    private static String replace(String name, String part, String other) {
        return name.replace("." + part + ".", "." + other + ".");
    }

    /** The name of the tensor that a parameter of a checkpoint is stored in. */
    static String storedName(String name) {
        Fusion fusion = of(name);
        return fusion == null ? name : fusion.whole;
    }

    /** Where a part lies in the whole. */
    record Place(int dimension, long start, long length, long[] wholeShape) {}

    /** @param shapes of all parameters of the checkpoint */
    Place place(String part, SequencedMap<String, long[]> shapes) {
        long[] shape = shape(part, shapes);
        // Of stacked experts, [experts, rows, columns], each has its parts side by side.
        int dimension = shape.length == 3 ? 1 : 0;
        long start = 0;
        long rows = 0;
        for (String each : parts) {
            if (each.equals(part)) {
                start = rows;
            }
            rows += shape(each, shapes)[dimension];
        }
        long[] whole = Arrays.copyOf(shape, shape.length);
        whole[dimension] = rows;
        return new Place(dimension, start, shape[dimension], whole);
    }

    private static long[] shape(String name, SequencedMap<String, long[]> shapes) {
        long[] shape = shapes.get(name);
        if (shape == null) {
            throw new IllegalArgumentException("parameter must be one of the model's, got: " + name);
        }
        return shape;
    }
}

package org.minpro.train;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.TreeMap;
import org.minpro.tensor.Tensor;

/**
 * The trained parameters in the order in which a backward pass is done with them: a bucket is what ranks exchange at once, while
 * the layers below are still differentiated.
 *
 * <p>The head comes first where it is not the embedding, then the maps of the layers, from the last one down, as many layers in a
 * bucket as make up {@value #MOST} elements, or a quarter of a smaller model. What is small or done when the pass is over comes last:
 * the norms, and the embedding.
 */
final class Buckets {
    /** Elements that fill a bucket: 16 MB of float32, so that what a call costs is little beside what it moves. */
    private static final long MOST = 1L << 22;

    private static final long SHARES = 4;
    private static final String LAYERS = "model.layers.";
    private static final String HEAD = "lm_head.";
    private static final String NORM = "norm.weight";

    private final List<SequencedSet<String>> names = new ArrayList<>();

    /** The layer that a bucket waits for; -1 for the last bucket, which waits for the whole pass. */
    private final List<Integer> layers = new ArrayList<>();

    /** @param parameters those that are trained, in the order of the model */
    Buckets(SequencedMap<String, Tensor> parameters) {
        long all = parameters.values().stream().mapToLong(Tensor::elements).sum();
        long full = Math.min(MOST, (all + SHARES - 1) / SHARES);
        SequencedSet<String> atTheEnd = new LinkedHashSet<>();
        SequencedSet<String> bucket = new LinkedHashSet<>();
        TreeMap<Integer, List<String>> ofLayers = new TreeMap<>(Collections.reverseOrder());
        for (String name : parameters.keySet()) {
            if (name.startsWith(LAYERS) && !name.endsWith(NORM)) {
                ofLayers.computeIfAbsent(layer(name), key -> new ArrayList<>()).add(name);
            } else if (name.startsWith(HEAD)) {
                bucket.add(name);
            } else {
                atTheEnd.add(name);
            }
        }
        for (Map.Entry<Integer, List<String>> layer : ofLayers.entrySet()) {
            bucket.addAll(layer.getValue());
            if (elements(bucket, parameters) >= full) {
                names.add(bucket);
                layers.add(layer.getKey());
                bucket = new LinkedHashSet<>();
            }
        }
        bucket.addAll(atTheEnd);
        names.add(bucket);
        layers.add(-1);
    }

    private static int layer(String name) {
        return Integer.parseInt(name.substring(LAYERS.length(), name.indexOf('.', LAYERS.length())));
    }

    private static long elements(SequencedSet<String> bucket, Map<String, Tensor> parameters) {
        return bucket.stream()
                .mapToLong(name -> Objects.requireNonNull(parameters.get(name)).elements())
                .sum();
    }

    /** At least one. */
    int count() {
        return names.size();
    }

    /** The names of a bucket's parameters. */
    SequencedSet<String> names(int bucket) {
        return names.get(bucket);
    }

    /** How many buckets, from the first on, a pass is done with once it has gone back through a layer. */
    int doneAfter(int layer) {
        int done = 0;
        while (layers.get(done) >= layer) {
            done++;
        }
        return done;
    }
}

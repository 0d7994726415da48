package org.minpro.model;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.minpro.tensor.DType;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * The weights of one model, shared by their holders and freed by the last one's {@link #close}.
 *
 * <p>Projections that read the same input are stored side by side, so that one matrix product serves them:
 * {@link #stored} has {@code self_attn.qkv_proj} and {@code mlp.gate_up_proj}, {@link #named} their parts under the
 * names of a Hugging Face checkpoint ({@link ModelConfig#parameterShapes}), as views of the same memory.
 */
public final class Parameters implements AutoCloseable {
    private final SequencedMap<String, Tensor> stored;
    private final SequencedMap<String, Tensor> named;
    private final DType type;
    /** Who made them, and whoever called {@link #hold}. */
    private final AtomicInteger holders = new AtomicInteger(1);

    private Parameters(SequencedMap<String, Tensor> stored, SequencedMap<String, Tensor> named, DType type) {
        this.stored = Collections.unmodifiableSequencedMap(stored);
        this.named = Collections.unmodifiableSequencedMap(named);
        this.type = type;
    }

    /** Parameters of a model's shapes, all zero. */
    public static Parameters zeros(ModelConfig config, DType type) {
        SequencedMap<String, long[]> shapes = config.parameterShapes();
        SequencedMap<String, Tensor> stored = new LinkedHashMap<>();
        SequencedMap<String, Tensor> named = new LinkedHashMap<>();
        try (Scope scope = Scope.open()) {
            for (Map.Entry<String, long[]> entry : shapes.entrySet()) {
                place(entry.getKey(), shapes, type, stored, named);
            }
        }
        return new Parameters(stored, named, type);
    }

    private static void place(
            String name,
            SequencedMap<String, long[]> shapes,
            DType type,
            SequencedMap<String, Tensor> stored,
            SequencedMap<String, Tensor> named) {
        Fusion fusion = Fusion.of(name);
        if (fusion == null) {
            Tensor tensor = Tensor.zeros(type, shape(shapes, name)).retain();
            stored.put(name, tensor);
            named.put(name, tensor.detach().retain());
            return;
        }
        int dimension = shape(shapes, name).length == 3 ? 1 : 0;
        if (!stored.containsKey(fusion.whole)) {
            long rows = 0;
            for (String part : fusion.parts) {
                rows += shape(shapes, part)[dimension];
            }
            long[] whole = shape(shapes, name).clone();
            whole[dimension] = rows;
            stored.put(fusion.whole, Tensor.zeros(type, whole).retain());
        }
        long start = 0;
        for (String part : fusion.parts) {
            if (part.equals(name)) {
                break;
            }
            start += shape(shapes, part)[dimension];
        }
        Tensor whole = stored.get(fusion.whole);
        named.put(
                name,
                java.util.Objects.requireNonNull(whole)
                        .narrow(dimension, start, shape(shapes, name)[dimension])
                        .retain());
    }

    private static long[] shape(Map<String, long[]> shapes, String name) {
        return java.util.Objects.requireNonNull(shapes.get(name), name);
    }

    /** Parts that lie side by side in one tensor. */
    private record Fusion(String whole, String[] parts) {
        private static final String[] ATTENTION = {"q_proj", "k_proj", "v_proj"};
        private static final String[] FEED_FORWARD = {"gate_proj", "up_proj"};

        static @org.jspecify.annotations.Nullable Fusion of(String name) {
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

        private static Fusion fuse(String name, String part, String whole, String[] parts) {
            String[] names = new String[parts.length];
            for (int i = 0; i < parts.length; i++) {
                names[i] = name.replace("." + part + ".", "." + parts[i] + ".");
            }
            return new Fusion(name.replace("." + part + ".", "." + whole + "."), names);
        }
    }

    /** The tensors that the model computes with, by name. */
    public SequencedMap<String, Tensor> stored() {
        return stored;
    }

    /** Views of the same memory under the names of a Hugging Face checkpoint, experts stacked. */
    public SequencedMap<String, Tensor> named() {
        return named;
    }

    public Tensor stored(String name) {
        Tensor tensor = stored.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("parameter must be one of the model's, got: " + name);
        }
        return tensor;
    }

    public DType type() {
        return type;
    }

    /** Numbers in all parameters. */
    public long count() {
        return stored.values().stream().mapToLong(Tensor::elements).sum();
    }

    /** The same memory as leaves of their own, whose gradients are theirs alone: what a lane computes with. */
    public Parameters alias() {
        SequencedMap<String, Tensor> leaves = new LinkedHashMap<>();
        try (Scope scope = Scope.open()) {
            stored.forEach((name, tensor) ->
                    leaves.put(name, tensor.detach().requireGradient().retain()));
        }
        return new Parameters(leaves, new LinkedHashMap<>(), type);
    }

    /** A copy in memory of its own, in another type if that is asked for. */
    public Parameters copy(ModelConfig config, DType type) {
        Parameters copy = zeros(config, type);
        copy.copyFrom(this);
        return copy;
    }

    /** Overwrites every parameter with the other's, converting their type. */
    public void copyFrom(Parameters other) {
        stored.forEach((name, tensor) -> tensor.copyInPlace(other.stored(name)));
    }

    /**
     * Random weights: matrices normal with the given standard deviation, norms 1, biases 0; a function of the seed and
     * the shapes alone.
     */
    public void initialise(long seed, double standardDeviation) {
        int ordinal = 0;
        for (Map.Entry<String, Tensor> entry : named.entrySet()) {
            Tensor tensor = entry.getValue();
            String name = entry.getKey();
            if (name.endsWith("norm.weight")) {
                tensor.fillInPlace(1);
            } else if (name.endsWith(".bias")) {
                tensor.zeroInPlace();
            } else {
                double[] values = new double[Math.toIntExact(tensor.elements())];
                for (int i = 0; i < values.length; i++) {
                    values[i] = standardDeviation
                            * Philox.normal(seed, Philox.Purpose.INITIALISATION, ordinal, i >>> 20, i & 0xFFFFF);
                }
                try (Scope scope = Scope.open()) {
                    tensor.copyInPlace(Tensor.of(values, tensor.shape()));
                }
            }
            ordinal++;
        }
    }

    /** Makes one holder more; each closes once. */
    public Parameters hold() {
        holders.incrementAndGet();
        return this;
    }

    /** Whether there is more than one holder, so that writing would change weights under a reader. */
    public boolean isShared() {
        return holders.get() > 1;
    }

    /** Makes one holder fewer; the last one frees the memory. */
    @Override
    public void close() {
        if (holders.decrementAndGet() == 0) {
            named.values().forEach(Tensor::close);
            stored.values().forEach(Tensor::close);
        }
    }
}

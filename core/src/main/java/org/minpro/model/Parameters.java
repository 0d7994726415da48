package org.minpro.model;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * The weights of one model, shared by their holders and freed by the last one's {@link #close}.
 *
 * <p>Projections that read the same input are stored side by side, so that one matrix product serves them:
 * {@link #stored} has {@code self_attn.qkv_proj} and {@code mlp.gate_up_proj}, {@link #named} their parts under the
 * names of a Hugging Face checkpoint ({@link ModelConfig#parameterShapes}), as views of the same memory. The parameters of an
 * adapter are stored beside them, in a type of their own; {@link #adapter} has them under the names of the maps that they
 * are beside.
 */
public final class Parameters implements AutoCloseable {
    private final ParameterSelection selection;
    private final Device device;
    private final DType type;
    private final SequencedMap<String, Tensor> stored;
    private final SequencedMap<String, Tensor> named;
    private final SequencedMap<String, Tensor> adapter;
    /** Who made them, and whoever called {@link #hold}. */
    private final AtomicInteger holders = new AtomicInteger(1);

    private final SequencedMap<String, Tensor> trainable;
    private final SequencedMap<String, Tensor> trainableNamed;

    private Parameters(
            ParameterSelection selection,
            DType type,
            SequencedMap<String, Tensor> stored,
            SequencedMap<String, Tensor> named,
            SequencedMap<String, Tensor> adapter) {
        this.selection = selection;
        this.type = type;
        this.stored = Collections.unmodifiableSequencedMap(stored);
        this.named = Collections.unmodifiableSequencedMap(named);
        this.adapter = Collections.unmodifiableSequencedMap(adapter);
        device = this.stored.firstEntry().getValue().device();
        trainable = only(stored, selection::contains);
        trainableNamed = selection.adapter() != null
                ? this.adapter
                : only(named, name -> selection.contains(Fusion.storedName(name)));
    }

    private static SequencedMap<String, Tensor> only(
            SequencedMap<String, Tensor> tensors, Predicate<String> condition) {
        SequencedMap<String, Tensor> chosen = new LinkedHashMap<>(tensors);
        chosen.keySet().removeIf(condition.negate());
        return Collections.unmodifiableSequencedMap(chosen);
    }

    /** Parameters of a model's shapes, all zero, all trained. */
    public static Parameters zeros(ModelConfig config, Device device, DType type) {
        return zeros(config, ParameterSelection.all(config), device, type, type);
    }

    /**
     * Parameters of a model's shapes, all zero.
     *
     * @param selection those that are trained
     * @param device that all of them are made on
     * @param type of the trained ones
     * @param frozenType of the others; where an adapter is trained, the type that the model computes in
     */
    public static Parameters zeros(
            ModelConfig config, ParameterSelection selection, Device device, DType type, DType frozenType) {
        return of(
                config,
                selection,
                selection.adapter() != null ? frozenType : type,
                (name, shape) -> Tensor.zeros(device, selection.contains(name) ? type : frozenType, shape));
    }

    /** Refuses tensors that have not the names and shapes of a configuration. */
    static void requireShapes(ModelConfig config, Map<String, Tensor> parameters) {
        SequencedMap<String, long[]> shapes = config.parameterShapes();
        shapes.forEach((name, shape) -> {
            Tensor tensor = parameters.get(name);
            if (tensor == null || !Arrays.equals(tensor.shape(), shape)) {
                throw new IllegalArgumentException(
                        "parameter " + name + " must have the shape " + Arrays.toString(shape) + ", got: "
                                + (tensor == null ? "nothing" : Arrays.toString(tensor.shape())));
            }
        });
        for (String name : parameters.keySet()) {
            if (!shapes.containsKey(name)) {
                throw new IllegalArgumentException("parameters must be those of the configuration, got: " + name);
            }
        }
    }

    /** Gives the tensor that is stored under a name. */
    private interface Source {
        Tensor tensor(String name, long[] shape);
    }

    private static Parameters of(ModelConfig config, ParameterSelection selection, DType type, Source source) {
        SequencedMap<String, long[]> shapes = config.parameterShapes();
        SequencedMap<String, Tensor> stored = new LinkedHashMap<>();
        SequencedMap<String, Tensor> named = new LinkedHashMap<>();
        try (Scope scope = Scope.open()) {
            shapes.forEach((name, shape) -> {
                Fusion fusion = Fusion.of(name);
                if (fusion == null) {
                    Tensor tensor = source.tensor(name, shape).retain();
                    stored.put(name, tensor);
                    named.put(name, tensor.detach().retain());
                    return;
                }
                Fusion.Place place = fusion.place(name, shapes);
                Tensor whole = stored.computeIfAbsent(
                        fusion.whole(),
                        key -> source.tensor(key, place.wholeShape()).retain());
                named.put(
                        name,
                        whole.narrow(place.dimension(), place.start(), place.length())
                                .retain());
            });
            return new Parameters(selection, type, stored, named, adapter(selection.adapter(), stored, source));
        }
    }

    /** Adds an adapter's tensors to the stored ones and returns them by the names of its maps. */
    private static SequencedMap<String, Tensor> adapter(
            @Nullable LowRankAdapter adapter, SequencedMap<String, Tensor> stored, Source source) {
        SequencedMap<String, Tensor> views = new LinkedHashMap<>();
        if (adapter == null) {
            return views;
        }
        adapter.storedShapes()
                .forEach((name, shape) ->
                        stored.put(name, source.tensor(name, shape).retain()));
        Function<String, Tensor> byName = name -> Objects.requireNonNull(stored.get(name));
        for (String module : adapter.modules()) {
            views.put(LowRankAdapter.down(module), adapter.down(module, byName).retain());
            views.put(
                    LowRankAdapter.up(module),
                    byName.apply(LowRankAdapter.up(module)).detach().retain());
        }
        return views;
    }

    /**
     * The tensor of a name of {@link #named}, a view, where tensors lie elsewhere as the {@linkplain #stored stored} ones do.
     *
     * @param stored gives the tensor of a name of {@link #stored}
     */
    public static Tensor named(ModelConfig config, String name, Function<String, Tensor> stored) {
        Fusion fusion = Fusion.of(name);
        if (fusion == null) {
            return stored.apply(name).detach();
        }
        Fusion.Place place = fusion.place(name, config.parameterShapes());
        return stored.apply(fusion.whole()).narrow(place.dimension(), place.start(), place.length());
    }

    /** Which of them are trained. */
    public ParameterSelection selection() {
        return selection;
    }

    /** The tensors that the model computes with, by name. */
    public SequencedMap<String, Tensor> stored() {
        return stored;
    }

    /** Views of the same memory under the names of a Hugging Face checkpoint, experts stacked. */
    public SequencedMap<String, Tensor> named() {
        return named;
    }

    /** Views of an adapter's A and B, {@code MAP.lora_A.weight} and {@code MAP.lora_B.weight}; empty where there is none. */
    public SequencedMap<String, Tensor> adapter() {
        return adapter;
    }

    /** Those of {@link #stored} that are trained: they have gradients and optimizer state. */
    public SequencedMap<String, Tensor> trainable() {
        return trainable;
    }

    /** Those of {@link #named}, or of {@link #adapter}, that are trained: what a checkpoint stores. */
    public SequencedMap<String, Tensor> trainableNamed() {
        return trainableNamed;
    }

    public Tensor stored(String name) {
        return parameter(name).tensor();
    }

    /** The parameter of a name of {@link #stored}. */
    public Parameter parameter(String name) {
        Parameter parameter = find(name);
        if (parameter == null) {
            throw new IllegalArgumentException("parameter must be one of the model's, got: " + name);
        }
        return parameter;
    }

    /** As {@link #parameter}, or null where the model has none of this name. */
    @Nullable Parameter find(String name) {
        Tensor tensor = stored.get(name);
        return tensor == null ? null : new Parameter(name, tensor, selection.contains(name));
    }

    /** Where they are, all of them. */
    public Device device() {
        return device;
    }

    /** The type of those that are trained; with an adapter, of those that it is beside. */
    public DType type() {
        return type;
    }

    /** Whether all have a type, those of an adapter aside. */
    public boolean areAll(DType type) {
        return named.values().stream().allMatch(tensor -> tensor.type() == type);
    }

    /** Numbers in all parameters. */
    public long count() {
        return stored.values().stream().mapToLong(Tensor::elements).sum();
    }

    /** The same memory as leaves of their own, whose gradients are theirs alone: what a block is computed with. */
    public Parameters alias() {
        SequencedMap<String, Tensor> leaves = new LinkedHashMap<>();
        try (Scope scope = Scope.open()) {
            stored.forEach((name, tensor) -> {
                Tensor leaf = tensor.detach().retain();
                leaves.put(name, selection.contains(name) ? leaf.requireGradient() : leaf);
            });
        }
        return new Parameters(selection, type, leaves, new LinkedHashMap<>(), new LinkedHashMap<>());
    }

    /**
     * The same weights, all in one type: those that have it share their memory, the others are copied. An adapter's keep their
     * type and share their memory.
     */
    public Parameters inType(ModelConfig config, DType type) {
        return of(config, selection, type, (name, shape) -> {
            Tensor tensor = stored(name);
            boolean keeps = selection.adapter() != null && selection.contains(name);
            return keeps || tensor.type() == type ? tensor.detach() : tensor.to(type);
        });
    }

    /** The same weights with the trained ones in memory of their own; the others share theirs. */
    public Parameters copy(ModelConfig config) {
        return of(config, selection, type, (name, shape) -> {
            Tensor tensor = stored(name);
            return selection.contains(name) ? tensor.copy() : tensor.detach();
        });
    }

    /** The weights that an adapter is beside, without it: they share their memory, and none is trained. */
    public Parameters withoutAdapter(ModelConfig config) {
        return of(
                config,
                ParameterSelection.none(config),
                type,
                (name, shape) -> stored(name).detach());
    }

    /** Overwrites every trained parameter with the other's, converting their type. */
    public void copyFrom(Parameters other) {
        trainable.forEach((name, tensor) -> tensor.copyInPlace(other.stored(name)));
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
                    tensor.copyInPlace(Tensor.of(device, values, tensor.shape()));
                }
            }
            ordinal++;
        }
    }

    /**
     * A new adapter, which adds nothing: A uniform in {@code [-1, 1) / sqrt(in)} (as PEFT has it), a function of the seed and
     * the shapes alone; B zero.
     */
    public void initialiseAdapter(long seed) {
        int ordinal = 0;
        for (Map.Entry<String, Tensor> entry : adapter.entrySet()) {
            Tensor tensor = entry.getValue();
            if (LowRankAdapter.isUp(entry.getKey())) {
                tensor.zeroInPlace();
                continue;
            }
            double bound = 1 / Math.sqrt((double) tensor.size(tensor.dimensions() - 1));
            double[] values = new double[Math.toIntExact(tensor.elements())];
            for (int i = 0; i < values.length; i++) {
                values[i] =
                        bound * (2 * Philox.uniform(seed, Philox.Purpose.ADAPTER, ordinal, i >>> 20, i & 0xFFFFF) - 1);
            }
            try (Scope scope = Scope.open()) {
                tensor.copyInPlace(Tensor.of(device, values, tensor.shape()));
            }
            ordinal++;
        }
    }

    /**
     * Adds what the adapter adds to the weights that it is beside, {@code W += s B A}, in their type: what a model without
     * adapters computes with. The adapter keeps its values, so it is to be done once.
     */
    public void mergeAdapter() {
        LowRankAdapter adapter = Objects.requireNonNull(selection.adapter());
        for (String module : adapter.modules()) {
            Tensor weight = Objects.requireNonNull(named.get(module + ".weight"));
            Tensor down = Objects.requireNonNull(this.adapter.get(LowRankAdapter.down(module)));
            Tensor up = Objects.requireNonNull(this.adapter.get(LowRankAdapter.up(module)));
            try (Scope scope = Scope.open();
                    NoGradient off = NoGradient.open()) {
                weight.addInPlace(up.matrixProduct(down).multiplyInPlace(adapter.scale()));
            }
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
            adapter.values().forEach(Tensor::close);
            stored.values().forEach(Tensor::close);
        }
    }
}

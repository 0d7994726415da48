package org.minpro.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.function.Function;
import java.util.stream.Stream;
import org.minpro.tensor.Tensor;

/**
 * Low-rank maps beside linear maps of a model: {@code y = x W^T + b + s (x A^T) B^T} with {@code A [rank, in]} and {@code B
 * [out, rank]}.
 *
 * <p>LoRA (Hu et al., arXiv 2106.09685) has {@code s = alpha / rank}, rsLoRA (Kalajdzievski, arXiv 2312.03732) {@code s = alpha /
 * sqrt(rank)}. {@code W} and {@code b} are not trained. A map of stacked experts has an A and a B for each of them.
 *
 * <p>Maps that lie side by side in one tensor ({@link Fusion}) read the same input, so their A lie side by side too.
 */
public final class LowRankAdapter {
    /** The target that stands for every linear map of attention and feed-forward, experts among them. */
    public static final String ALL_LINEAR = "all-linear";

    private static final String HEAD = "lm_head";
    private static final String EMBEDDING = "model.embed_tokens";
    private static final String WEIGHT = ".weight";
    private static final String DOWN = ".lora_A.weight";
    private static final String UP = ".lora_B.weight";

    /** What the product of A and B is multiplied by. */
    public enum Variant {
        LORA,
        RSLORA;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private final int rank;
    private final double alpha;
    private final Variant variant;
    private final SequencedSet<String> modules;
    private final Map<String, List<Part>> parts;
    private final SequencedMap<String, long[]> shapes;

    /** @param modules in the order of the model */
    private LowRankAdapter(ModelConfig config, int rank, double alpha, Variant variant, Collection<String> modules) {
        this.rank = rank;
        this.alpha = alpha;
        this.variant = variant;
        this.modules = Collections.unmodifiableSequencedSet(new LinkedHashSet<>(modules));
        SequencedMap<String, long[]> base = config.parameterShapes();
        parts = new HashMap<>();
        for (String module : modules) {
            String weight = module + WEIGHT;
            Fusion fusion = Fusion.of(weight);
            long[] shape = Objects.requireNonNull(base.get(weight));
            Fusion.Place place = fusion == null
                    ? new Fusion.Place(0, 0, shape[shape.length - 2], shape)
                    : fusion.place(weight, base);
            parts.computeIfAbsent(whole(module), whole -> new ArrayList<>())
                    .add(new Part(module, place.start(), place.length()));
        }
        shapes = new LinkedHashMap<>();
        for (String module : modules) {
            long[] weight = Objects.requireNonNull(base.get(module + WEIGHT));
            int last = weight.length - 1;
            long[] down = weight.clone();
            down[last - 1] = (long) rank * parts(whole(module)).size();
            shapes.putIfAbsent(down(whole(module)), down);
            long[] up = weight.clone();
            up[last] = rank;
            shapes.put(up(module), up);
        }
    }

    /**
     * An adapter of the linear maps that targets name.
     *
     * @param targets {@value #ALL_LINEAR}, ends of names such as {@code q_proj} or {@code self_attn.q_proj}, or whole names;
     *     {@code *} stands for any letters
     * @throws IllegalArgumentException where a target names none of the model's linear maps; the message names the setting
     *     {@code adapter.targets}
     */
    public static LowRankAdapter of(ModelConfig config, int rank, double alpha, Variant variant, List<String> targets) {
        List<String> linear = linearMaps(config);
        SequencedSet<String> chosen = new LinkedHashSet<>();
        for (String target : targets) {
            List<String> named =
                    linear.stream().filter(name -> names(target, name)).toList();
            if (named.isEmpty()) {
                throw new IllegalArgumentException("adapter.targets must name linear maps of the model, got: " + target
                        + "; " + nearest(target, config, linear));
            }
            chosen.addAll(named);
        }
        // In the order of the model, whatever that of the targets is.
        return new LowRankAdapter(
                config,
                rank,
                alpha,
                variant,
                linear.stream().filter(chosen::contains).toList());
    }

    /** Whether a target, {@value #ALL_LINEAR} or an end of a name or a pattern, names a linear map. */
    private static boolean names(String target, String name) {
        if (target.equals(ALL_LINEAR)) {
            return !name.equals(HEAD) && !name.endsWith(".mlp.gate");
        }
        return new NamePattern(target).matches(name) || new NamePattern("*." + target).matches(name);
    }

    private static String nearest(String target, ModelConfig config, List<String> linear) {
        if (config.tieWordEmbeddings() && names(target, HEAD)) {
            return "the output head of this model is its embedding, which is no linear map of its own";
        }
        if (names(target, EMBEDDING)) {
            return "an embedding is no linear map";
        }
        List<String> ends = linear.stream()
                .map(name -> name.substring(name.lastIndexOf('.') + 1))
                .distinct()
                .toList();
        String closest = Stream.concat(ends.stream(), linear.stream())
                .min(Comparator.comparingInt(new NamePattern(target)::edits))
                .orElseThrow();
        return "the nearest name is " + closest + ", and there are " + String.join(", ", ends) + " and " + ALL_LINEAR;
    }

    /** Names of a model's linear maps, without {@code .weight}, in the order of the model; those of experts are stacked. */
    static List<String> linearMaps(ModelConfig config) {
        List<String> names = new ArrayList<>();
        config.parameterShapes().forEach((name, shape) -> {
            if (shape.length > 1 && !name.equals(EMBEDDING + WEIGHT)) {
                names.add(name.substring(0, name.length() - WEIGHT.length()));
            }
        });
        return names;
    }

    public int rank() {
        return rank;
    }

    public double alpha() {
        return alpha;
    }

    public Variant variant() {
        return variant;
    }

    /** {@code s}, what the low-rank product is multiplied by. */
    public double scale() {
        return switch (variant) {
            case LORA -> alpha / rank;
            case RSLORA -> alpha / Math.sqrt(rank);
        };
    }

    /** Names of the linear maps that it is beside, such as {@code model.layers.0.self_attn.q_proj}, in the order of the model. */
    public SequencedSet<String> modules() {
        return modules;
    }

    /** The name of the A of a stored projection or of one map. */
    static String down(String module) {
        return module + DOWN;
    }

    /** The name of the B of a map. */
    static String up(String module) {
        return module + UP;
    }

    /** Whether a name is that of a B. */
    static boolean isUp(String name) {
        return name.endsWith(UP);
    }

    /** Numbers in all A and B. */
    public long count() {
        return shapes.values().stream()
                .mapToLong(shape -> Arrays.stream(shape).reduce(1, Math::multiplyExact))
                .sum();
    }

    /** Shapes of the tensors that the model computes with: an A for maps that lie side by side, a B for each map. */
    SequencedMap<String, long[]> storedShapes() {
        return Collections.unmodifiableSequencedMap(shapes);
    }

    /** How long the inputs of a map are. */
    long inputs(String module) {
        long[] down = Objects.requireNonNull(shapes.get(down(whole(module))));
        return down[down.length - 1];
    }

    /** The map as the model stores it: alone or with those beside it. */
    private static String whole(String module) {
        String stored = Fusion.storedName(module + WEIGHT);
        return stored.substring(0, stored.length() - WEIGHT.length());
    }

    /**
     * One of the maps that lie side by side in a projection of the model.
     *
     * @param module its name
     * @param start of its outputs among those of all
     * @param length how many there are
     */
    record Part(String module, long start, long length) {}

    /** The adapted maps of a stored projection, in the order of their A; none where it has no adapter. */
    List<Part> parts(String projection) {
        return parts.getOrDefault(projection, List.of());
    }

    /**
     * The A of one map as a part of the tensor that it is stored in.
     *
     * @param stored gives the tensor of a name of {@link #storedShapes}
     */
    Tensor down(String module, Function<String, Tensor> stored) {
        Tensor whole = stored.apply(down(whole(module)));
        List<Part> beside = parts(whole(module));
        int ordinal = 0;
        while (!beside.get(ordinal).module.equals(module)) {
            ordinal++;
        }
        return whole.narrow(whole.dimensions() - 2, (long) ordinal * rank, rank);
    }
}

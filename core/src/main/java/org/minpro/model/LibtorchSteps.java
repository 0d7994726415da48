package org.minpro.model;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * Steps by libtorch's operations, on every device and in every type. They can be differentiated by autograd, and their ways
 * back are: a step is computed again on a leaf. So a norm's weight must be a leaf, whose gradient they take.
 */
final class LibtorchSteps implements ModelSteps {
    private final ModelConfig config;
    private final Device device;
    private final DType type;
    /** Of keys and values in a cache, and what a block's attention computes in. */
    private final DType narrow;

    private final boolean together;
    /** By the capacity of a cache. */
    private final Map<Integer, Integer> leastEntries = new ConcurrentHashMap<>();

    /**
     * Steps in the shape of a GPU, or in that of a CPU.
     *
     * @param type that the model computes in
     * @param together whether a block's sequences are attended to in a few products, see {@link PaddedAttention}, and a bfloat16
     *     model's attention computes in bfloat16 and its keys and values are kept so
     */
    LibtorchSteps(ModelConfig config, Device device, DType type, boolean together) {
        this.config = config;
        this.together = together;
        this.device = device;
        this.type = type == DType.F64 ? DType.F64 : DType.F32;
        this.narrow = together && type == DType.BF16 ? DType.BF16 : this.type;
    }

    @Override
    public Tensor norm(Tensor x, Parameter weight, double epsilon) {
        return x.rmsNorm(weight.tensor(), epsilon);
    }

    @Override
    public Sum addNorm(Tensor x, Tensor delta, Parameter weight, double epsilon) {
        Tensor sum = x.add(delta);
        return new Sum(sum, norm(sum, weight, epsilon));
    }

    @Override
    public Tensor normBackward(
            Tensor x,
            Parameter weight,
            double epsilon,
            Tensor upstream,
            @Nullable Tensor passedOn,
            WeightGradients gradients) {
        Tensor leaf = x.detach().requireGradient();
        Tensor result = norm(leaf, weight, epsilon);
        if (passedOn == null) {
            result.backward(upstream);
        } else {
            // What is passed on is the first to be added, as autograd would have it.
            Tensor.backward(List.of(leaf, result), List.of(passedOn, upstream));
        }
        addAutogradsGradient(weight, gradients);
        return Objects.requireNonNull(leaf.gradient());
    }

    /** Adds what autograd left at a weight. */
    private static void addAutogradsGradient(Parameter weight, WeightGradients gradients) {
        Tensor gradient = weight.tensor().gradient();
        if (gradient != null) {
            try (NoGradient off = NoGradient.open()) {
                gradients.add(weight.name(), gradient);
            }
            weight.tensor().clearGradient();
        }
    }

    @Override
    public Tensor gate(Tensor gateUp) {
        long inner = gateUp.size(1) / 2;
        Tensor[] halves = gateUp.split(1, inner, inner);
        return halves[0].silu().multiply(halves[1]);
    }

    @Override
    public Tensor gateBackward(Tensor gateUp, Tensor upstream) {
        return backward(gateUp, this::gate, upstream);
    }

    private static Tensor backward(Tensor input, UnaryOperator<Tensor> forward, Tensor upstream) {
        Tensor leaf = input.detach().requireGradient();
        forward.apply(leaf).backward(upstream);
        return Objects.requireNonNull(leaf.gradient());
    }

    @Override
    public Tensor[] rotate(Tensor projected, AttentionHeads of, Tensor[] rotation) {
        long heads = of.heads();
        long keyHeads = of.keyValueHeads();
        Tensor all = projected
                .view(projected.size(0), heads + 2 * keyHeads, of.headDim())
                .to(rotation[0].type());
        if (of.queryNorm() != null && of.keyNorm() != null) {
            Tensor[] parts = all.split(1, heads, keyHeads, keyHeads);
            return new Tensor[] {
                turned(normed(parts[0], of.queryNorm(), of), of, rotation),
                turned(normed(parts[1], of.keyNorm(), of), of, rotation),
                parts[2]
            };
        }
        Tensor[] parts = all.split(1, heads + keyHeads, keyHeads);
        Tensor[] rotated = turned(parts[0], of, rotation).split(1, heads, keyHeads);
        return new Tensor[] {rotated[0], rotated[1], parts[1]};
    }

    private static Tensor normed(Tensor x, Parameter weight, AttentionHeads of) {
        return x.rmsNorm(weight.tensor().to(x.type()), of.epsilon());
    }

    /**
     * {@code x cos + (-x2, x1) sin}, x1 and x2 the halves of a head; the table of sines has the sign. In a layer without
     * rotation {@code x} itself.
     */
    private static Tensor turned(Tensor x, AttentionHeads of, Tensor[] rotation) {
        if (!of.rotates()) {
            return x;
        }
        long[] shape = x.shape();
        Tensor halves = x.reshape(shape[0], shape[1], 2, shape[2] / 2).flip(2).view(shape);
        return x.multiply(rotation[0]).add(halves.multiply(rotation[1]));
    }

    @Override
    public Tensor rotateBackward(
            Tensor projected, AttentionHeads of, Tensor[] rotation, Upstream upstream, WeightGradients gradients) {
        Tensor leaf = projected.detach().requireGradient();
        Tensor[] queryKeyValue = rotate(leaf, of, rotation);
        Tensor.backward(List.of(queryKeyValue), List.of(upstream.of(queryKeyValue)));
        if (of.queryNorm() != null) {
            addAutogradsGradient(of.queryNorm(), gradients);
        }
        if (of.keyNorm() != null) {
            addAutogradsGradient(of.keyNorm(), gradients);
        }
        return Objects.requireNonNull(leaf.gradient());
    }

    @Override
    public ExpertChoice choose(Tensor logits, ModelConfig.Moe moe) {
        return new LibtorchChoice(this, logits, moe);
    }

    @Override
    public BlockAttention attention(List<TokenBlock.Sequence> sequences) {
        return together
                ? new PaddedAttention(config, device, narrow, sequences)
                : new LibtorchAttention(config, sequences);
    }

    @Override
    public KeyValueCache cache(int slots, int capacity, int newTokens) {
        // Where no bits are promised none are tried out: every trial would wait for the device.
        int least = together
                ? Math.min(LibtorchCache.STEP, capacity)
                : leastEntries.computeIfAbsent(
                        capacity, key -> AttentionSpan.least(config, device, type, key, LibtorchCache.STEP));
        return new LibtorchCache(config, device, narrow, slots, capacity, least);
    }

    @Override
    public DType waiting(DType computed) {
        return narrow;
    }

    @Override
    public LanguageHead.Result logProbs(Tensor logits, double temperature, Tensor ids, LanguageHead.Wanted wanted) {
        try (Scope scope = Scope.open()) {
            Tensor distribution = scores(logits, temperature).logSoftmax(1);
            Tensor chosen = distribution.gather(1, ids.unsqueeze(1)).squeeze(1);
            return new LanguageHead.Result(
                    scope.keep(chosen),
                    wanted.entropy()
                            ? scope.keep(distribution
                                    .multiply(distribution.exp())
                                    .sum(1, false)
                                    .negate())
                            : null,
                    wanted.collision()
                            ? scope.keep(distribution.multiply(2).exp().sum(1, false))
                            : null);
        }
    }

    @Override
    public void logProbsBackward(
            Tensor logits, double temperature, Tensor ids, Tensor upstream, @Nullable Tensor entropyUpstream) {
        try (Scope scope = Scope.open()) {
            Tensor chosen = ids.unsqueeze(1);
            Tensor scores = scores(logits, temperature);
            if (entropyUpstream == null) {
                Tensor distribution = scores.softmax(1);
                Tensor scale = scale(upstream, temperature, distribution.type());
                distribution.multiplyInPlace(scale.negate()).scatterAddInPlace(1, chosen, scale);
                logits.copyInPlace(distribution);
            } else {
                Tensor slope = scores.logSoftmax(1);
                Tensor distribution = slope.exp();
                Tensor entropy = slope.multiply(distribution).sum(1, true).negate();
                Tensor scale = scale(upstream, temperature, slope.type());
                slope.addInPlace(entropy)
                        .multiplyInPlace(scale(entropyUpstream, temperature, slope.type()))
                        .addInPlace(scale);
                distribution.multiplyInPlace(slope.negate()).scatterAddInPlace(1, chosen, scale);
                logits.copyInPlace(distribution);
            }
        }
    }

    /** {@code u / temperature}, {@code [tokens, 1]}. */
    private static Tensor scale(Tensor upstream, double temperature, DType type) {
        return upstream.divide(temperature).to(type).unsqueeze(1);
    }

    private Tensor scores(Tensor logits, double temperature) {
        Tensor wide = logits.to(type);
        return temperature == 1 ? wide : wide.divide(temperature);
    }

    @Override
    public @Nullable Drawn draw(
            Tensor logits, double temperature, int topK, double topP, double minP, double[] uniforms) {
        return null;
    }

    @Override
    public void addGradient(Tensor sum, Tensor gradient) {
        sum.addInPlace(gradient);
    }

    @Override
    public @Nullable PackedMatrix pack(Tensor weight, int rows) {
        return together ? null : OneDnnMatrix.of(weight, rows);
    }

    @Override
    public boolean trainsPacked() {
        return false;
    }

    @Override
    public boolean rowsAlone() {
        return false;
    }
}

package org.minpro.model;

import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.DType;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/** One decoder layer over its parameters: {@code h = x + attention(norm(x)), h + feedForward(norm(h))}. */
final class DecoderLayer {
    private final ModelConfig config;
    private final Tensor inputNorm;
    private final Tensor outputNorm;
    private final Projection queryKeyValue;
    private final boolean rotates;
    private final @Nullable Tensor queryNorm;
    private final @Nullable Tensor keyNorm;
    private final Projection output;
    private final FeedForward feedForward;
    private final boolean attentionTrainable;

    DecoderLayer(ModelConfig config, Parameters parameters, int index, LinearMap map) {
        this.config = config;
        String prefix = "model.layers." + index + ".";
        inputNorm = parameters.stored(prefix + "input_layernorm.weight");
        outputNorm = parameters.stored(prefix + "post_attention_layernorm.weight");
        queryKeyValue = Projection.of(parameters, prefix + "self_attn.qkv_proj", map);
        rotates = config.isRotated(index);
        queryNorm = parameters.stored().get(prefix + "self_attn.q_norm.weight");
        keyNorm = parameters.stored().get(prefix + "self_attn.k_norm.weight");
        output = Projection.of(parameters, prefix + "self_attn.o_proj", map);
        feedForward = config.isSparse(index)
                ? new Experts(config, parameters, index, map)
                : new Dense(
                        Projection.of(parameters, prefix + "mlp.gate_up_proj", map),
                        Projection.of(parameters, prefix + "mlp.down_proj", map));
        attentionTrainable = parameters.trainable().keySet().stream()
                .anyMatch(
                        name -> name.startsWith(prefix + "self_attn.") || name.startsWith(prefix + "input_layernorm."));
    }

    /** Queries, keys and values side by side, before rotation, {@code [tokens, (heads + 2 keyValueHeads) * headDim]}. */
    Tensor project(Tensor x) {
        return queryKeyValue.apply(x.rmsNorm(inputNorm, config.rmsNormEpsilon()));
    }

    /** Queries and keys, rotated where the layer does so, and values: {@code [tokens, heads or keyValueHeads, headDim]} in the rotation's type. */
    Tensor[] rotated(Tensor projected, Tensor[] rotation) {
        long heads = config.heads();
        long keyHeads = config.keyValueHeads();
        Tensor all = projected
                .view(projected.size(0), heads + 2 * keyHeads, config.headDim())
                .to(rotation[0].type());
        if (queryNorm != null && keyNorm != null) {
            Tensor[] parts = all.split(1, heads, keyHeads, keyHeads);
            return new Tensor[] {
                rotate(normed(parts[0], queryNorm), rotation), rotate(normed(parts[1], keyNorm), rotation), parts[2]
            };
        }
        Tensor[] parts = all.split(1, heads + keyHeads, keyHeads);
        Tensor[] rotated = rotate(parts[0], rotation).split(1, heads, keyHeads);
        return new Tensor[] {rotated[0], rotated[1], parts[1]};
    }

    private Tensor normed(Tensor x, Tensor weight) {
        return x.rmsNorm(weight.to(x.type()), config.rmsNormEpsilon());
    }

    /**
     * {@code x cos + (-x2, x1) sin}, x1 and x2 the halves of a head; the table of sines has the sign. In a layer without
     * rotation {@code x} itself.
     */
    private Tensor rotate(Tensor x, Tensor[] rotation) {
        if (!rotates) {
            return x;
        }
        long[] shape = x.shape();
        Tensor turned = x.reshape(shape[0], shape[1], 2, shape[2] / 2).flip(2).view(shape);
        return x.multiply(rotation[0]).add(turned.multiply(rotation[1]));
    }

    Tensor afterAttention(Tensor x, Tensor attended, @Nullable Consumer<Transformer.Routing> listener) {
        Tensor h = x.add(output.apply(attended.to(x.type())));
        return h.add(feedForward.finish(feedForward.project(normedOutput(h), listener)));
    }

    private Tensor normedOutput(Tensor h) {
        return h.rmsNorm(outputNorm, config.rmsNormEpsilon());
    }

    /**
     * What a layer's backward pass needs: what it was given and what its products gave. All else is quickly computed
     * again.
     *
     * @param input {@code [tokens, hidden]}
     * @param projected {@code [tokens, (heads + 2 keyValueHeads) * headDim]}
     * @param attended {@code [tokens, heads * headDim]}, in the input's type
     * @param logSumExp of the attention's scores, a number for each token and head
     * @param middle input plus attention, {@code [tokens, hidden]}
     * @param inner what {@link FeedForward#project} gave
     */
    private record Memory(
            Tensor input, Tensor projected, Tensor attended, Tensor logSumExp, Tensor middle, Tensor inner) {}

    /** A layer's output and its way back. */
    record Recorded(Tensor result, Backward backward) {}

    /** From {@code dL/dresult} to {@code dL/dinput}; the weights' gradients are added up on the way. */
    @FunctionalInterface
    interface Backward {
        /** @param toInput whether the result is wanted; without, the way back ends at the last weights that are trained */
        Tensor of(Tensor upstream, WeightGradients gradients, boolean toInput);
    }

    /** Runs the layer without recording; what the way back needs stays in the current scope. */
    Recorded record(
            Tensor x, Tensor[] rotation, BlockAttention attention, @Nullable Consumer<Transformer.Routing> listener) {
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor projected = scope.keep(project(x));
            BlockAttention.Attended found = attention.forward(rotated(projected, rotation));
            Tensor attended = scope.keep(found.output().to(x.type()));
            Tensor logSumExp = scope.keep(found.logSumExp());
            Tensor h = scope.keep(x.add(output.apply(attended)));
            Tensor inner = scope.keep(feedForward.project(normedOutput(h), listener));
            Tensor result = scope.keep(h.add(feedForward.finish(inner)));
            Memory memory = new Memory(x, projected, attended, logSumExp, h, inner);
            return new Recorded(
                    result,
                    (upstream, gradients, toInput) ->
                            backward(memory, rotation, attention, upstream, gradients, toInput));
        }
    }

    private Tensor backward(
            Memory memory,
            Tensor[] rotation,
            BlockAttention attention,
            Tensor upstream,
            WeightGradients gradients,
            boolean toInput) {
        try (Scope scope = Scope.open()) {
            Tensor toMiddle = residual(
                    memory.middle,
                    upstream,
                    this::normedOutput,
                    normed -> feedForward.backward(normed, memory.inner, upstream, gradients));
            if (!toInput && !attentionTrainable) {
                return scope.keep(toMiddle);
            }
            Tensor toAttended = output.backward(memory.attended, toMiddle, gradients);
            Tensor toProjected = throughAttention(memory, rotation, attention, toAttended);
            return scope.keep(residual(
                    memory.input,
                    toMiddle,
                    x -> x.rmsNorm(inputNorm, config.rmsNormEpsilon()),
                    normed -> queryKeyValue.backward(normed, toProjected, gradients)));
        }
    }

    /** From {@code dL/dattended} to {@code dL/dprojected}: attention's own gradient, and autograd through the rotation. */
    private Tensor throughAttention(Memory memory, Tensor[] rotation, BlockAttention attention, Tensor upstream) {
        Tensor leaf = memory.projected.detach().requireGradient();
        Tensor[] queryKeyValue = rotated(leaf, rotation);
        DType type = rotation[0].type();
        Tensor[] gradients = attention.backward(
                upstream.to(type),
                queryKeyValue,
                new BlockAttention.Attended(memory.attended.to(type), memory.logSumExp));
        Tensor.backward(List.of(queryKeyValue), List.of(gradients));
        return Objects.requireNonNull(leaf.gradient());
    }

    /**
     * The gradient through one piece of the pass, which is computed again for it.
     *
     * @param upstream from the piece's result to the gradient with respect to it
     */
    static Tensor piece(Tensor input, UnaryOperator<Tensor> forward, UnaryOperator<Tensor> upstream) {
        Tensor leaf = input.detach().requireGradient();
        Tensor result = forward.apply(leaf);
        result.backward(upstream.apply(result.detach()));
        return Objects.requireNonNull(leaf.gradient());
    }

    /**
     * As {@link #piece}, for an input that is also passed on as it is. The gradient that comes that way is the first to be
     * added, as autograd would have it.
     */
    private static Tensor residual(
            Tensor input, Tensor passedOn, UnaryOperator<Tensor> forward, UnaryOperator<Tensor> upstream) {
        Tensor leaf = input.detach().requireGradient();
        Tensor result = forward.apply(leaf);
        Tensor.backward(List.of(leaf, result), List.of(passedOn, upstream.apply(result.detach())));
        return Objects.requireNonNull(leaf.gradient());
    }
}

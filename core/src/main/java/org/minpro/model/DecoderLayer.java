package org.minpro.model;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/** One decoder layer over its parameters: {@code h = x + attention(norm(x)), h + feedForward(norm(h))}. */
final class DecoderLayer {
    private final ModelSteps steps;
    private final double epsilon;
    private final Parameter inputNorm;
    private final Parameter outputNorm;
    private final Projection queryKeyValue;
    private final AttentionHeads heads;
    private final Projection output;
    private final FeedForward feedForward;
    private final boolean attentionTrainable;

    DecoderLayer(ModelConfig config, Parameters parameters, int index, ModelSteps steps, LinearMap map) {
        this.steps = steps;
        epsilon = config.rmsNormEpsilon();
        String prefix = "model.layers." + index + ".";
        inputNorm = parameters.parameter(prefix + "input_layernorm.weight");
        outputNorm = parameters.parameter(prefix + "post_attention_layernorm.weight");
        queryKeyValue = Projection.of(parameters, prefix + "self_attn.qkv_proj", steps, map);
        heads = AttentionHeads.of(config, parameters, index);
        output = Projection.of(parameters, prefix + "self_attn.o_proj", steps, map);
        feedForward = config.isSparse(index)
                ? new Experts(config, parameters, index, steps, map)
                : new Dense(
                        Projection.of(parameters, prefix + "mlp.gate_up_proj", steps, map),
                        Projection.of(parameters, prefix + "mlp.down_proj", steps, map),
                        steps);
        attentionTrainable = parameters.trainable().keySet().stream()
                .anyMatch(
                        name -> name.startsWith(prefix + "self_attn.") || name.startsWith(prefix + "input_layernorm."));
    }

    /** What the layer is given, and its norm. */
    ModelSteps.Sum input(Residual residual) {
        return residual.normed(steps, inputNorm, epsilon);
    }

    /** Queries, keys and values as attention wants them ({@link ModelSteps#rotate}). */
    Tensor[] queryKeyValue(Tensor normedInput, Tensor[] rotation) {
        return steps.rotate(queryKeyValue.apply(normedInput), heads, rotation);
    }

    /** @param x what the layer was given */
    Residual afterAttention(Tensor x, Tensor attended, @Nullable Consumer<Transformer.Routing> listener) {
        ModelSteps.Sum middle = steps.addNorm(x, output.apply(attended.to(x.type())), outputNorm, epsilon);
        return new Residual(middle.sum(), feedForward.finish(feedForward.project(middle.normed(), listener)));
    }

    /**
     * What a layer's backward pass needs: what it was given and what its products gave. All else is quickly computed
     * again.
     *
     * @param input {@code [tokens, hidden]}
     * @param projected {@code [tokens, (heads + 2 keyValueHeads) * headDim]}
     * @param attended its output in the input's type
     * @param middle input plus attention, {@code [tokens, hidden]}
     * @param inner what {@link FeedForward#project} gave
     */
    private record Memory(
            Tensor input, Tensor projected, BlockAttention.Attended attended, Tensor middle, Tensor inner) {}

    /** A layer's output and its way back. */
    record Recorded(Residual result, Backward backward) {}

    /** From {@code dL/dresult} to {@code dL/dinput}; the weights' gradients are added up on the way. */
    @FunctionalInterface
    interface Backward {
        /** @param toInput whether the result is wanted; without, the way back ends at the last weights that are trained */
        Tensor of(Tensor upstream, WeightGradients gradients, boolean toInput);
    }

    /** Runs the layer without recording; what the way back needs stays in the current scope. */
    Recorded record(
            Residual residual,
            Tensor[] rotation,
            BlockAttention attention,
            @Nullable Consumer<Transformer.Routing> listener) {
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            ModelSteps.Sum input = input(residual);
            Tensor x = scope.keep(input.sum());
            Tensor projected = scope.keep(queryKeyValue.apply(input.normed()));
            BlockAttention.Attended found = attention.forward(steps.rotate(projected, heads, rotation));
            Tensor attended = scope.keep(found.output().to(x.type()));
            Tensor logSumExp = found.logSumExp() == null ? null : scope.keep(found.logSumExp());
            ModelSteps.Sum middle = steps.addNorm(x, output.apply(attended), outputNorm, epsilon);
            Tensor h = scope.keep(middle.sum());
            Tensor inner = scope.keep(feedForward.project(middle.normed(), listener));
            Tensor delta = scope.keep(feedForward.finish(inner));
            Memory memory = new Memory(x, projected, new BlockAttention.Attended(attended, logSumExp), h, inner);
            return new Recorded(
                    new Residual(h, delta),
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
            Tensor toNormedOutput =
                    feedForward.backward(again(memory.middle, outputNorm), memory.inner, upstream, gradients);
            Tensor toMiddle =
                    steps.normBackward(memory.middle, outputNorm, epsilon, toNormedOutput, upstream, gradients);
            if (!toInput && !attentionTrainable) {
                return scope.keep(toMiddle);
            }
            Tensor toAttended = output.backward(memory.attended.output(), toMiddle, gradients);
            Tensor toProjected = throughAttention(memory, rotation, attention, toAttended, gradients);
            Tensor toNormedInput = queryKeyValue.backward(again(memory.input, inputNorm), toProjected, gradients);
            return scope.keep(steps.normBackward(memory.input, inputNorm, epsilon, toNormedInput, toMiddle, gradients));
        }
    }

    private Tensor again(Tensor x, Parameter norm) {
        try (NoGradient off = NoGradient.open()) {
            return steps.norm(x, norm, epsilon);
        }
    }

    /** From {@code dL/dattended} to {@code dL/dprojected}. */
    private Tensor throughAttention(
            Memory memory, Tensor[] rotation, BlockAttention attention, Tensor upstream, WeightGradients gradients) {
        return steps.rotateBackward(
                memory.projected,
                heads,
                rotation,
                rotated -> attention.backward(upstream, rotated, memory.attended),
                gradients);
    }
}

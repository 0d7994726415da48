package org.minpro.run;

import java.util.Locale;
import org.minpro.experience.Async;
import org.minpro.model.Kernels;
import org.minpro.model.KeyValueCache;
import org.minpro.model.LanguageHead;
import org.minpro.model.ModelConfig;
import org.minpro.model.PackedWeights;
import org.minpro.model.ParameterSelection;
import org.minpro.recipe.KlSection;
import org.minpro.recipe.Recipe;
import org.minpro.recipe.SftRecipe;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.tensor.Cuda;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Engine;
import org.minpro.train.AdamW;
import org.minpro.train.ComputeSettings;
import org.minpro.train.Learner;

/** Bytes that work takes at most, roughly, known before any of them are: what a command compares with what is free. */
public final class MemoryEstimate {
    /** Prompts are rarely as long as they may be. */
    private static final int USUAL_PROMPT = 512;

    /**
     * Java, libtorch and their code, before a model is opened and while a small one is trained; on a GPU what CUDA takes for
     * itself, which is as much, roughly.
     */
    private static final long RUNTIME = 380L << 20;

    /** Float32 rows as long as the vocabulary that a token is drawn from: logits, scores, their logarithm, its exponential. */
    private static final long DECODED_ROWS = 4;

    /** The settings of a training run that would make it take less. */
    public static final String TRAINING_SETTINGS =
            "compute.micro-batch-tokens, compute.lanes, sampling.max-new-tokens or compute.workers";

    private MemoryEstimate() {}

    /**
     * What a person is told where memory does not suffice.
     *
     * @param bytes that the work takes
     * @param free bytes that there are
     * @param lower the settings that would make it take less
     */
    public static String refusal(long bytes, long free, String lower) {
        return "this run needs about " + readable(bytes) + " of memory, got: " + readable(free) + " free; lower "
                + lower + ", or take a smaller model";
    }

    /** Such as {@code 1.2 GB}. */
    public static String readable(long bytes) {
        return bytes < 1e9
                ? String.format(Locale.ROOT, "%.0f MB", bytes / 1e6)
                : String.format(Locale.ROOT, "%.1f GB", bytes / 1e9);
    }

    /**
     * A training run: what it always has, and the larger of what sampling and an update take beside that, because what one
     * of them frees is the other's. Where they go on at the same time it is both.
     */
    public static long ofTraining(Recipe recipe, ModelConfig model, DType compute) {
        return ofTraining(recipe, model, compute, 1, 1);
    }

    /**
     * A training run's process among several: each has the whole weights in the type that is computed in, the gradients of its own
     * lanes, twice a piece of what the lanes exchange, and the part that it owns of what AdamW remembers and of float32 weights
     * beside those. Before it has shared these out it has all of them, but no gradients yet.
     *
     * @param ranks processes of the run
     * @param localRanks those of them on this machine
     */
    public static long ofTraining(Recipe recipe, ModelConfig model, DType compute, int ranks, int localRanks) {
        // Not the engine's: a plan may be of a device that is not here.
        Device device = Cuda.chosen(recipe.compute().device());
        ParameterSelection trained = recipe.trained(model);
        int evaluated =
                recipe.evaluation().problems() * Math.max(1, recipe.evaluation().samples());
        // Servers decode what is trained on; evaluations are decoded here.
        long decoded = recipe.rollout().isServed() ? evaluated : Math.max(recipe.rowsPerIteration(), evaluated);
        long responses = Math.min(
                (long) recipe.compute().threads(localRanks)
                        * recipe.decodeSlots()
                        // Responses that wait for an environment keep copies beside the slots.
                        * (recipe.hasTurns() ? 1 + LocalRolloutEngine.OUTSIDE_PER_SLOT : 1),
                (decoded + ranks - 1) / ranks);
        long rows = recipe.rowsPerIteration() / recipe.updatesPerIteration();
        long sampling = responses == 0 ? 0 : decoding(model, compute, device, responses, longest(recipe));
        int lanes = (recipe.compute().lanes() + ranks - 1) / ranks;
        long update = update(
                recipe.compute(),
                lanes,
                recipe.compute().threads(localRanks),
                trained,
                model,
                compute,
                device,
                rows,
                longest(recipe));
        // An evaluation decodes beside the sampler of an asynchronous run.
        boolean evaluates = recipe.evaluation().every() > 0 && evaluated > 0;
        long state = AdamW.stateBytes(trained.count()) / ranks;
        long beginning = ofPolicy(trained, model, compute, 1) + reference(recipe, trained, model, compute, 1) + state;
        long working = ofPolicy(trained, model, compute, ranks)
                + reference(recipe, trained, model, compute, ranks)
                + state
                + (ranks == 1 ? 0 : Learner.exchangeBytes(recipe.compute().lanes()))
                + (recipe.staleness() instanceof Async async
                        ? sampling + Math.max(update, evaluates ? sampling : 0) + older(async, trained, model, compute)
                        : Math.max(sampling, update));
        return RUNTIME + Math.max(beginning, working);
    }

    /**
     * Weights that are sampled from while newer ones are made: the version published last, and the one before it where
     * responses finish under that.
     */
    private static long older(Async async, ParameterSelection selection, ModelConfig model, DType compute) {
        long versions = switch (async.inFlight()) {
            case CONTINUE -> 1;
            case FINISH -> 2;
        };
        return selection.adapter() != null
                ? versions * selection.count() * DType.F32.bytes()
                : versions * (compute == DType.F32 ? selection.count() : model.parameterCount()) * compute.bytes();
    }

    /**
     * A reference model: its weights in the type that is computed in; of a mean the trained ones in float32 too; of the
     * model that an adapter is beside nothing, of a mean its adapter alone. It scores with less memory than an update takes.
     */
    private static long reference(
            Recipe recipe, ParameterSelection trained, ModelConfig model, DType compute, int ranks) {
        if (!recipe.hasReference()) {
            return 0;
        }
        KlSection kl = recipe.kl();
        if (!kl.isFolder() && trained.adapter() != null) {
            return kl.reference().equals(KlSection.AVERAGE) ? trained.count() * DType.F32.bytes() : 0;
        }
        if (kl.reference().equals(KlSection.AVERAGE)) {
            return ofPolicy(trained, model, compute, ranks);
        }
        ModelConfig config =
                kl.isFolder() ? ModelFiles.withoutWeights(kl.reference()).config() : model;
        return config.parameterCount() * compute.bytes();
    }

    /** A supervised run, which samples nothing. */
    public static long ofSupervised(SftRecipe recipe, ModelConfig model, DType compute) {
        ParameterSelection trained = recipe.trained(model);
        long longest = (long) Math.min(recipe.prompts().maxTokens(), USUAL_PROMPT) + recipe.maxCompletionTokens();
        return RUNTIME
                + weights(trained, model, compute)
                + update(
                        recipe.compute(),
                        recipe.compute().lanes(),
                        recipe.compute().threads(),
                        trained,
                        model,
                        compute,
                        Cuda.chosen(recipe.compute().device()),
                        recipe.batchRows(),
                        longest);
    }

    /**
     * Sampling alone: the weights, and what decoding takes.
     *
     * @param slots responses that a worker decodes at once
     * @param longest tokens of a prompt and its response
     */
    public static long ofSampling(ModelConfig model, DType compute, int workers, int slots, long longest) {
        return RUNTIME
                + model.parameterCount() * compute.bytes()
                + decoding(model, compute, Engine.device(), (long) workers * slots, longest);
    }

    /** Log-probabilities alone: the weights, packed too where vectors compute. */
    public static long ofScoring(ModelConfig model, DType compute) {
        return model.parameterCount() * compute.bytes() + packed(model, compute, Engine.device()) + RUNTIME;
    }

    /** An adapter added to a model's weights: all of them in float32, and one being written. */
    public static long ofMerging(ModelConfig model) {
        return model.parameterCount() * DType.F32.bytes()
                + 2L * model.vocabSize() * model.hiddenSize() * DType.F32.bytes()
                + RUNTIME;
    }

    /** What a forward pass multiplies by beside the weights; libtorch's operations and a GPU's take them as they are. */
    private static long packed(ModelConfig model, DType compute, Device device) {
        return Kernels.vectors() && !device.isCuda() ? model.parameterCount() * compute.bytes() : 0;
    }

    /** Tokens of a prompt and its response, as a rule at most. */
    public static long longest(Recipe recipe) {
        return (long) Math.min(recipe.prompts().maxTokens(), USUAL_PROMPT)
                + recipe.sampling().maxNewTokens();
    }

    /**
     * What a run always has: of the trained parameters float32 weights, what AdamW remembers and, where the model computes
     * in another type, a copy in that; of the frozen ones the weights in the type that is computed in, and in float32 too
     * where the folder has another. With an adapter, its float32 weights with what AdamW remembers of them, and the model in
     * the type that is computed in.
     */
    private static long weights(ParameterSelection selection, ModelConfig model, DType compute) {
        return ofPolicy(selection, model, compute, 1) + AdamW.stateBytes(selection.count());
    }

    /** @param ranks that have shared out the float32 weights beside those that are computed with */
    private static long ofPolicy(ParameterSelection selection, ModelConfig model, DType compute, int ranks) {
        long trained = selection.count();
        if (selection.adapter() != null) {
            return trained * DType.F32.bytes() + model.parameterCount() * compute.bytes();
        }
        long frozen = model.parameterCount() - trained;
        if (ranks > 1 && compute != DType.F32) {
            return trained * DType.F32.bytes() / ranks + model.parameterCount() * compute.bytes();
        }
        long copied = (long) DType.F32.bytes() + (compute == DType.F32 ? 0 : compute.bytes());
        long ofFrozen = model.storedDType() == compute ? compute.bytes() : copied;
        return trained * copied + frozen * ofFrozen;
    }

    /**
     * What decoding takes: the weights a second time, packed ({@link PackedWeights}) unless a GPU decodes, and of each response
     * its keys, its values and its row of logits.
     *
     * @param responses that are decoded at once, by all workers
     */
    private static long decoding(ModelConfig model, DType compute, Device device, long responses, long longest) {
        boolean vectors = Kernels.vectors() && !device.isCuda();
        // Vectors take blocks as a row grows; a cache of libtorch's operations has its whole capacity from the
        // beginning.
        long entries = vectors ? longest : LocalRolloutEngine.capacity(Math.toIntExact(longest));
        return (device.isCuda() ? 0 : model.parameterCount() * compute.bytes())
                + responses * KeyValueCache.bytes(model, compute, device, 1, entries)
                + responses * DECODED_ROWS * model.vocabSize() * DType.F32.bytes();
    }

    /**
     * What an update takes: packed weights where vectors compute, a float32 sum of the trained parameters' gradients for each lane, and for each worker one
     * block's memory: what every layer from the lowest trained one on keeps for the way back ({@link #kept}), what one
     * layer computes with at a time ({@link #passing}), one matrix's gradient, of an adapter what libtorch's products are given in
     * float32 instead, and the head's chunk of logits.
     *
     * @param lanes that the process executes
     * @param threads that it has, which share the lanes' blocks
     * @param rows of an update
     * @param longest tokens of a row
     */
    private static long update(
            ComputeSettings settings,
            int lanes,
            int threads,
            ParameterSelection selection,
            ModelConfig model,
            DType compute,
            Device device,
            long rows,
            long longest) {
        // A row that is longer than a block may be is a block of its own.
        long tokens = Math.max(longest, Math.min(settings.microBatchTokens(), rows * longest / settings.lanes()));
        long blocks = Math.max(lanes, (rows * longest * lanes / settings.lanes() + tokens - 1) / tokens);
        long workers = Math.min(blocks, threads);
        int lowest = Math.min(selection.lowestLayer(), model.layers());
        // Below the lowest trained layer only results are kept.
        long perToken = (long) lowest * model.hiddenSize() * compute.bytes() + passing(model, compute);
        for (int layer = lowest; layer < model.layers(); layer++) {
            perToken += kept(model, layer, compute);
        }
        long widened = (model.hiddenSize() + 3L * model.intermediateSize()) * DType.F32.bytes();
        long matrix = selection.adapter() != null
                ? (packed(model, compute, device) > 0 ? 0 : tokens * widened)
                : 2L * model.hiddenSize() * model.intermediateSize() * compute.bytes();
        long block = tokens * perToken + matrix + LanguageHead.bytes(model, compute, tokens, settings.onCuda());
        return packed(model, compute, device) + lanes * selection.count() * DType.F32.bytes() + workers * block;
    }

    /**
     * Bytes that a layer keeps of a token: its input and the sum after attention, queries, keys and values, attention's
     * result with a log-sum-exp for each head, and the gate and the up projection; of experts only their sum.
     */
    private static long kept(ModelConfig model, int layer, DType compute) {
        long queries = (long) model.heads() * model.headDim();
        long keysAndValues = 2L * model.keyValueHeads() * model.headDim();
        long inner = model.isSparse(layer) ? model.hiddenSize() : 2L * model.intermediateSize();
        return (2L * model.hiddenSize() + 2 * queries + keysAndValues + inner) * compute.bytes()
                + (long) model.heads() * DType.F32.bytes();
    }

    /**
     * Bytes of a token that exist while one layer goes back: six times the hidden state and the inner one in the model's
     * type, and attention's queries, keys and values with their gradients and rotations, in float32.
     */
    private static long passing(ModelConfig model, DType compute) {
        long attention = (model.heads() + 2L * model.keyValueHeads()) * model.headDim();
        return 6L * (model.hiddenSize() + model.intermediateSize()) * compute.bytes()
                + 6 * attention * DType.F32.bytes();
    }
}

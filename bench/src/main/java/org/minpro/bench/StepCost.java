package org.minpro.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.minpro.model.Kernels;
import org.minpro.model.ModelConfig;
import org.minpro.model.Parameters;
import org.minpro.model.PolicyVersion;
import org.minpro.model.Transformer;
import org.minpro.objective.Grpo;
import org.minpro.objective.Loss;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Workers;
import org.minpro.train.ComputeSettings;
import org.minpro.train.PolicyGradient;
import org.minpro.train.TrainingRow;

/**
 * What sampling and the gradient of one size cost, for a model of random weights: a line of JSON for {@code
 * bench/growth/measure.py}, which starts a process for each size, so that peak memory is that of the size.
 *
 * <p>Arguments: a shape (SMALL, which is the built-in model's, SMOLLM2_135M or QWEN2_0_5B), rows, tokens of a response, rounds. Prompts have 16 tokens and 8 rows each. Seconds are the
 * medians of the rounds after one that is not counted, with responses of at most 256 tokens. Operations are those of the products and of attention's two: of the forward
 * pass for sampling, three times as many for the gradient.
 */
public final class StepCost {
    private static final int PROMPT = 16;
    private static final int ROWS_OF_PROMPT = 8;
    /** Of the round that is not counted, at most: Java has compiled everything by then. */
    private static final int WARM_UP_TOKENS = 256;

    private StepCost() {}

    private static final Map<String, Shape> SHAPES = Map.of(
            "SMALL", Shape.of(DType.F32, 19, 128, 3, 4, 4, 32, 336),
            "SMOLLM2_135M", Shape.of(DType.BF16, 49_152, 576, 30, 9, 3, 64, 1536),
            "QWEN2_0_5B", Shape.of(DType.BF16, 151_936, 896, 24, 14, 2, 64, 4864));

    /** A model's shape and the type that it computes in. */
    private record Shape(DType type, ModelConfig config) {
        static Shape of(
                DType type, int vocabulary, int hidden, int layers, int heads, int keyHeads, int headDim, int inner) {
            return new Shape(
                    type,
                    new ModelConfig(
                            ModelConfig.Architecture.LLAMA,
                            vocabulary,
                            hidden,
                            layers,
                            heads,
                            keyHeads,
                            headDim,
                            inner,
                            1e-5,
                            10_000,
                            new ModelConfig.RopeScaling.None(),
                            List.of(),
                            null,
                            8192,
                            true,
                            false,
                            false,
                            null,
                            type,
                            null,
                            List.of(1),
                            null));
        }

        /** Of a forward pass over a row of so many tokens behind its prompt, whose own pass is left out. */
        double operations(int tokens) {
            double products = 2.0 * config.parameterCount() * tokens;
            double seen = (double) tokens * (PROMPT + (tokens + 1) / 2.0);
            return products + 4.0 * config.layers() * config.heads() * config.headDim() * seen;
        }
    }

    public static void main(String[] arguments) throws IOException {
        Shape shape = arguments.length == 4 ? SHAPES.get(arguments[0]) : null;
        if (shape == null) {
            System.err.println("usage: StepCost " + String.join("|", SHAPES.keySet()) + " ROWS TOKENS ROUNDS");
            System.exit(2);
            return;
        }
        int rowCount = Integer.parseInt(arguments[1]);
        int tokens = Integer.parseInt(arguments[2]);
        int rounds = Integer.parseInt(arguments[3]);
        ComputeSettings compute = new ComputeSettings();
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(5);
        List<RolloutRequest> requests = new ArrayList<>();
        for (int group = 0; group * ROWS_OF_PROMPT < rowCount; group++) {
            int[] prompt = random.ints(PROMPT, 2, shape.config.vocabSize()).toArray();
            requests.add(RolloutRequest.of(group, prompt, ROWS_OF_PROMPT));
        }
        double[][] sampling = new double[2][rounds];
        double[][] gradient = new double[2][rounds];
        try (Workers workers = new Workers(compute.threads());
                Parameters parameters = Parameters.zeros(shape.config, Device.CPU, shape.type)) {
            parameters.initialise(7, 0.02);
            try (Transformer model = new Transformer(shape.config, parameters)) {
                PolicyGradient gradients = new PolicyGradient(
                        new PolicyGradient.Settings(compute.lanes(), compute.microBatchTokens(), 1), workers);
                int slots = LocalRolloutEngine.slots(rowCount, compute.lanes(), compute.onCuda());
                for (int round = -1; round < rounds; round++) {
                    // No id ends a row: all have so many tokens.
                    SamplingParams params =
                            SamplingParams.of(round < 0 ? Math.min(tokens, WARM_UP_TOKENS) : tokens, List.of());
                    List<Rollout> rollouts = new ArrayList<>();
                    time(sampling, round, () -> {
                        // Packing the weights is a part of sampling, as in a run.
                        try (LocalRolloutEngine engine = LocalRolloutEngine.over(model, workers, slots, 1, ids -> "")) {
                            rollouts.addAll(engine.generate(requests, params, rollout -> {}));
                        }
                    });
                    List<TrainingRow> rows = rollouts.stream()
                            .map(rollout -> TrainingRow.of(rollout, rollout.sample() % 2 == 0 ? 1 : -1))
                            .toList();
                    time(gradient, round, () -> {
                        try (PolicyVersion version = new PolicyVersion(0, model)) {
                            gradients
                                    .compute(version.model(), 0, rows, Loss.of(new Grpo()), false)
                                    .close();
                        }
                    });
                }
            }
        }
        int generated = requests.size() * ROWS_OF_PROMPT * tokens;
        double operations = requests.size() * ROWS_OF_PROMPT * shape.operations(tokens);
        System.out.printf(
                Locale.ROOT,
                "{\"shape\":\"%s\",\"type\":\"%s\",\"kernels\":\"%s\",\"parameters\":%d,\"rows\":%d,\"tokens\":%d,"
                        + "\"generated\":%d,\"gflop\":%.3f,\"sampling\":%.4f,\"sampling_processor\":%.4f,"
                        + "\"gradient\":%.4f,\"gradient_processor\":%.4f,\"peak\":%d}%n",
                arguments[0],
                shape.type,
                Kernels.description(),
                shape.config.parameterCount(),
                requests.size() * ROWS_OF_PROMPT,
                tokens,
                generated,
                operations / 1e9,
                median(sampling[0]),
                median(sampling[1]),
                median(gradient[0]),
                median(gradient[1]),
                peakBytes());
    }

    private static void time(double[][] seconds, int round, Runnable part) {
        double processor = processorSeconds();
        long start = System.nanoTime();
        part.run();
        if (round >= 0) {
            seconds[0][round] = (System.nanoTime() - start) / 1e9;
            seconds[1][round] = processorSeconds() - processor;
        }
    }

    private static double processorSeconds() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getProcessCpuTime() / 1e9
                : Double.NaN;
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    /** {@code VmHWM} of Linux; 0 elsewhere. */
    private static long peakBytes() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return 0;
        }
        for (String line : Files.readAllLines(status)) {
            if (line.startsWith("VmHWM:")) {
                return 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
            }
        }
        return 0;
    }
}

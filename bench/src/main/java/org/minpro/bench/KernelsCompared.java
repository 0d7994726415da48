package org.minpro.bench;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.minpro.model.Kernels;
import org.minpro.model.ModelConfig;
import org.minpro.model.ModelSteps;
import org.minpro.model.Parameters;
import org.minpro.model.PolicyVersion;
import org.minpro.model.Transformer;
import org.minpro.objective.Grpo;
import org.minpro.objective.Loss;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;
import org.minpro.run.ModelFiles;
import org.minpro.tensor.DType;
import org.minpro.tensor.Engine;
import org.minpro.tensor.Workers;
import org.minpro.train.PolicyGradient;
import org.minpro.train.TrainingRow;

/**
 * Vectors beside libtorch's operations: sampling, scoring and the gradient of the same rows, the two taking turns in one
 * process; medians of seconds, and of processor seconds, which other work on the machine changes less.
 *
 * <p>Arguments: MODEL (a Hugging Face folder, or {@code builtin}), {@code f32} or {@code bf16}, groups, responses of a group,
 * tokens of a prompt, of a response, rounds, workers. Java needs {@code --add-modules jdk.incubator.vector}.
 */
public final class KernelsCompared {
    private KernelsCompared() {}

    /** Where process times come from: JDKs on Linux, macOS and Windows have it. */
    private static double processorSeconds() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getProcessCpuTime() / 1e9
                : Double.NaN;
    }

    /** One way to compute, and what each part of it took, {@code [round]}. */
    private static final class Side implements AutoCloseable {
        final String name;
        final LocalRolloutEngine engine;
        final PolicyVersion version;
        final double[][] seconds;
        final double[][] processor;

        Side(String name, Transformer model, Workers workers, int slots, int rounds) {
            this.name = name;
            engine = new LocalRolloutEngine(workers, slots, 1, ids -> "");
            version = new PolicyVersion(0, model);
            engine.publish(version);
            seconds = new double[PARTS.size()][rounds];
            processor = new double[PARTS.size()][rounds];
        }

        void measure(int part, int round, Runnable task) {
            double cpu = processorSeconds();
            long start = System.nanoTime();
            task.run();
            if (round >= 0) {
                seconds[part][round] = (System.nanoTime() - start) / 1e9;
                processor[part][round] = processorSeconds() - cpu;
            }
        }

        @Override
        public void close() {
            engine.close();
            version.close();
        }
    }

    private static final List<String> PARTS = List.of("sampling", "scoring", "gradient");

    public static void main(String[] arguments) {
        String path = arguments[0];
        DType type = arguments[1].equals("bf16") ? DType.BF16 : DType.F32;
        int groups = Integer.parseInt(arguments[2]);
        int responses = Integer.parseInt(arguments[3]);
        int promptTokens = Integer.parseInt(arguments[4]);
        int responseTokens = Integer.parseInt(arguments[5]);
        int rounds = Integer.parseInt(arguments[6]);
        int workerCount = Integer.parseInt(arguments[7]);
        System.out.println(Engine.kernels() + "; " + Kernels.description());
        ModelFiles files = ModelFiles.open(path);
        ModelConfig config = files.config();
        int slots = LocalRolloutEngine.slots((long) groups * responses, workerCount, false);
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(5);
        List<RolloutRequest> requests = new ArrayList<>();
        for (int group = 0; group < groups; group++) {
            int[] prompt = random.ints(promptTokens, 2, config.vocabSize()).toArray();
            requests.add(RolloutRequest.of(group, prompt, responses));
        }
        SamplingParams params = SamplingParams.of(responseTokens, List.of());
        try (Workers workers = new Workers(workerCount);
                Transformer vectors = files.transformer(type);
                Parameters parameters = vectors.parameters()) {
            ModelSteps plain = Kernels.libtorch(config, vectors.device(), type);
            try (Transformer libtorch = new Transformer(config, parameters, plain);
                    Side own = new Side("vectors", vectors, workers, slots, rounds);
                    Side theirs = new Side("libtorch", libtorch, workers, slots, rounds)) {
                List<TrainingRow> rows = rows(own.engine.generate(requests, params, rollout -> {}));
                PolicyGradient gradient =
                        new PolicyGradient(new PolicyGradient.Settings(workerCount, 1024, 1), workers);
                for (int round = -2; round < rounds; round++) {
                    int at = round;
                    Consumer<Side> run = side -> {
                        side.measure(0, at, () -> side.engine.generate(requests, params, rollout -> {}));
                        side.measure(1, at, () -> gradient.score(side.version.model(), rows, false));
                        side.measure(
                                2,
                                at,
                                () -> gradient.compute(side.version.model(), 0, rows, Loss.of(new Grpo()), false)
                                        .close());
                    };
                    run.accept(round % 2 == 0 ? own : theirs);
                    run.accept(round % 2 == 0 ? theirs : own);
                }
                report(theirs, own);
            }
        }
    }

    private static List<TrainingRow> rows(List<Rollout> rollouts) {
        return rollouts.stream()
                .map(rollout -> TrainingRow.of(rollout, rollout.sample() % 2 == 0 ? 1 : -1))
                .toList();
    }

    private static void report(Side libtorch, Side vectors) {
        for (int part = 0; part < PARTS.size(); part++) {
            double theirs = median(libtorch.seconds[part]);
            double own = median(vectors.seconds[part]);
            double theirProcessor = median(libtorch.processor[part]);
            double ownProcessor = median(vectors.processor[part]);
            System.out.printf(
                    Locale.ROOT,
                    "%-9s %s %.3f s, %s %.3f s: %.2f times; processor %.3f s, %.3f s: %.2f times%n",
                    PARTS.get(part),
                    libtorch.name,
                    theirs,
                    vectors.name,
                    own,
                    theirs / own,
                    theirProcessor,
                    ownProcessor,
                    theirProcessor / ownProcessor);
        }
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}

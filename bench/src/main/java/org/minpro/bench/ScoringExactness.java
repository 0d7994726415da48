package org.minpro.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import org.minpro.model.KeyValueCache;
import org.minpro.model.ModelConfig;
import org.minpro.model.PackedWeights;
import org.minpro.model.Parameters;
import org.minpro.model.Transformer;
import org.minpro.objective.Grpo;
import org.minpro.objective.Loss;
import org.minpro.objective.Reinforce;
import org.minpro.recipe.ModelSection;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;
import org.minpro.run.ModelFiles;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Engine;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;
import org.minpro.text.Tokenizer;
import org.minpro.train.PolicyGradient;
import org.minpro.train.TrainingRow;

/**
 * What it takes for the trainer's log pi to be the sampler's log mu to the bit, and what that costs; and how far a bf16
 * gradient moves with the size of the micro-batches. The figures of docs/exactness.md.
 *
 * <p>Arguments: none; the built-in model, one worker.
 */
public final class ScoringExactness {
    private static final int ROWS = 64;
    private static final int NEW_TOKENS = 96;
    /** The cache that the sampler takes for a prompt of 21 tokens and 96 more. */
    private static final int CAPACITY = 128;

    private ScoringExactness() {}

    public static void main(String[] arguments) {
        System.out.println(Engine.kernels());
        operations();
        ModelFiles files = ModelFiles.open(ModelSection.BUILTIN);
        try (Workers worker = new Workers(1);
                Tokenizer tokenizer = files.tokenizer();
                Transformer model = files.transformer(DType.F32);
                Parameters parameters = model.parameters();
                LocalRolloutEngine engine =
                        LocalRolloutEngine.over(model, worker, LocalRolloutEngine.FEWEST_SLOTS, 1, ids -> "")) {
            List<RolloutRequest> requests = new ArrayList<>();
            for (int group = 0; group < ROWS / 8; group++) {
                int[] prompt = tokenizer.encode("77+78+79+61+40+72+" + (10 + group) + "=");
                requests.add(RolloutRequest.of(group, prompt, 8));
            }
            SamplingParams params = SamplingParams.of(NEW_TOKENS, files.config().eosIds());
            engine.generate(requests, params, rollout -> {});
            long start = System.nanoTime();
            List<Rollout> rollouts = engine.generate(requests, params, rollout -> {});
            double sampling = (System.nanoTime() - start) / 1e9;
            System.out.printf(
                    Locale.ROOT,
                    "%n%d rows of %d parameters, sampled in %.2f s%n",
                    rollouts.size(),
                    parameters.count(),
                    sampling);
            List<TrainingRow> rows =
                    rollouts.stream().map(ScoringExactness::row).toList();
            for (int budget : new int[] {4096, 512, 1}) {
                PolicyGradient gradient = gradient(budget, worker);
                report(
                        "trainer's pass, blocks of " + budget + " tokens",
                        rollouts,
                        () -> gradient.score(model, rows, false).logProbs());
            }
            report("decode form, 16 slots", rollouts, () -> decode(model, rollouts));
            PolicyGradient gradient = gradient(4096, worker);
            for (int i = 0; i < 2; i++) {
                start = System.nanoTime();
                gradient.compute(model, 0, rows, Loss.of(new Grpo()), true).close();
            }
            System.out.printf(Locale.ROOT, "gradient of the same rows: %.2f s%n", (System.nanoTime() - start) / 1e9);
            for (DType type : new DType[] {DType.F32, DType.BF16}) {
                microBatches(files, type, rows, worker);
            }
        }
    }

    private static PolicyGradient gradient(int microBatchTokens, Workers worker) {
        return new PolicyGradient(new PolicyGradient.Settings(1, microBatchTokens, 1), worker);
    }

    private static TrainingRow row(Rollout rollout) {
        return TrainingRow.of(rollout, rollout.sample() % 2 == 0 ? 1 : -1);
    }

    private interface Scoring {
        float[][] logProbs();
    }

    private static void report(String name, List<Rollout> rollouts, Scoring scoring) {
        scoring.logProbs();
        long start = System.nanoTime();
        float[][] scored = scoring.logProbs();
        double seconds = (System.nanoTime() - start) / 1e9;
        double largest = 0;
        double sum = 0;
        long equal = 0;
        long tokens = 0;
        for (int i = 0; i < scored.length; i++) {
            float[] sampled = rollouts.get(i).behaviorLogProbs();
            for (int t = 0; t < sampled.length; t++) {
                double difference = Math.abs((double) scored[i][t] - sampled[t]);
                largest = Math.max(largest, difference);
                sum += difference;
                equal += difference == 0 ? 1 : 0;
                tokens++;
            }
        }
        System.out.printf(
                Locale.ROOT,
                "%-40s max %.2g  mean %.2g  equal bits %5.1f %% of %d tokens  %.2f s%n",
                name,
                largest,
                sum / tokens,
                100.0 * equal / tokens,
                tokens,
                seconds);
    }

    /** The sampler's own steps with the tokens given: the same shapes, hence the same kernels. */
    private static float[][] decode(Transformer model, List<Rollout> rollouts) {
        int slots = LocalRolloutEngine.FEWEST_SLOTS;
        int[] all = IntStream.range(0, slots).toArray();
        float[][] result = new float[rollouts.size()][];
        try (NoGradient off = NoGradient.open();
                PackedWeights weights = new PackedWeights(model.steps(), slots);
                KeyValueCache cache = model.cache(slots, CAPACITY, CAPACITY)) {
            Transformer decoder = weights.over(model);
            for (int first = 0; first < rollouts.size(); first += slots) {
                List<Rollout> batch = rollouts.subList(first, Math.min(rollouts.size(), first + slots));
                int longest = 0;
                for (int slot = 0; slot < batch.size(); slot++) {
                    int[] response = batch.get(slot).responseIds();
                    longest = Math.max(longest, response.length);
                    result[first + slot] = new float[response.length];
                    try (Scope scope = Scope.open();
                            KeyValueCache.Prefix prefix =
                                    decoder.prefill(batch.get(slot).promptIds())) {
                        cache.fill(slot, prefix);
                        result[first + slot][0] = logProbs(decoder, prefix.lastHidden(), new long[] {response[0]})[0];
                    }
                }
                for (int t = 1; t < longest; t++) {
                    long[] ids = new long[slots];
                    long[] positions = new long[slots];
                    long[] targets = new long[slots];
                    for (int slot = 0; slot < batch.size(); slot++) {
                        int[] response = batch.get(slot).responseIds();
                        int last = Math.min(t, response.length - 1);
                        ids[slot] = response[Math.max(0, last - 1)];
                        targets[slot] = response[last];
                        positions[slot] = (long) batch.get(slot).promptIds().length + Math.max(0, last - 1);
                    }
                    try (Scope scope = Scope.open()) {
                        float[] logProbs = logProbs(decoder, decoder.decode(cache, all, ids, positions), targets);
                        for (int slot = 0; slot < batch.size(); slot++) {
                            if (t < result[first + slot].length) {
                                result[first + slot][t] = logProbs[slot];
                            }
                        }
                    }
                }
            }
        }
        return result;
    }

    private static float[] logProbs(Transformer model, Tensor hidden, long[] targets) {
        return model.logits(hidden)
                .logSoftmax(1)
                .gather(1, Tensor.of(Device.CPU, targets).unsqueeze(1))
                .floats();
    }

    /** Which operations give a row other bits beside other rows, or with more masked keys. */
    private static void operations() {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(5);
        try (NoGradient off = NoGradient.open();
                Scope scope = Scope.open()) {
            for (int[] shape : new int[][] {{128, 384}, {128, 128}, {128, 672}, {336, 128}, {128, 19}, {576, 1536}}) {
                Tensor weight = normal(random, shape[1], shape[0]);
                Tensor all = normal(random, 1000, shape[0]);
                Tensor product = all.linear(weight);
                for (int rows : new int[] {1, 8, 16, 64}) {
                    compare(
                            "product " + shape[0] + " to " + shape[1] + ", " + rows + " rows of 1000",
                            all.narrow(0, 0, rows).linear(weight),
                            product.narrow(0, 0, rows));
                }
            }
            Tensor all = normal(random, 1000, 128);
            Tensor weight = normal(random, 128);
            Map<String, Function<Tensor, Tensor>> byRow = Map.of(
                    "RMSNorm", x -> x.rmsNorm(weight, 1e-5),
                    "SiLU", Tensor::silu,
                    "log-softmax", x -> x.logSoftmax(1));
            byRow.forEach((name, operation) -> compare(
                    name + ", 16 rows of 1000",
                    operation.apply(all.narrow(0, 0, 16)),
                    operation.apply(all).narrow(0, 0, 16)));
            attention(random);
        }
    }

    /** A response's last query over a cache of 128 entries, 100 of them seen, and the same query in other shapes. */
    private static void attention(RandomGenerator random) {
        Tensor query = normal(random, 64, 2, 100, 32);
        Tensor keys = normal(random, 64, 2, 128, 32);
        Tensor values = normal(random, 64, 2, 128, 32);
        Tensor last = query.narrow(2, 99, 1);
        Tensor decoded = Tensor.attention(last, keys, values, seen(128, 0, 100), false);
        compare(
                "attention, 1 query or 100, 128 keys",
                decoded,
                Tensor.attention(query, keys, values, causal(100, 128), false).narrow(2, 99, 1));
        for (int length : new int[] {100, 104, 112, 120}) {
            compare(
                    "attention, 128 keys or " + length,
                    decoded,
                    Tensor.attention(
                            last, keys.narrow(2, 0, length), values.narrow(2, 0, length), seen(length, 0, 100), false));
        }
        compare(
                "attention, 128 keys or 256",
                decoded,
                Tensor.attention(
                        last,
                        Tensor.concatenate(List.of(keys, keys), 2),
                        Tensor.concatenate(List.of(values, values), 2),
                        seen(256, 0, 100),
                        false));
        for (int padding : new int[] {3, 8, 11}) {
            compare(
                    "attention, keys after " + padding + " of padding",
                    decoded,
                    Tensor.attention(
                            last, moved(keys, padding), moved(values, padding), seen(128, padding, 100), false));
        }
    }

    /** The entries along the third dimension, that many places later. */
    private static Tensor moved(Tensor entries, int places) {
        return Tensor.concatenate(
                List.of(entries.narrow(2, 0, places), entries.narrow(2, 0, entries.size(2) - places)), 2);
    }

    /** Query i sees keys up to i. */
    private static Tensor causal(int queries, int keys) {
        float[] mask = new float[queries * keys];
        for (int i = 0; i < queries; i++) {
            Arrays.fill(mask, i * keys + i + 1, (i + 1) * keys, Float.NEGATIVE_INFINITY);
        }
        return Tensor.of(Device.CPU, mask, 1, 1, queries, keys);
    }

    /** One query sees {@code count} keys from {@code first} on. */
    private static Tensor seen(int keys, int first, int count) {
        float[] mask = new float[keys];
        Arrays.fill(mask, Float.NEGATIVE_INFINITY);
        Arrays.fill(mask, first, first + count, 0);
        return Tensor.of(Device.CPU, mask, 1, 1, 1, keys);
    }

    private static void compare(String name, Tensor first, Tensor second) {
        float[] a = first.contiguous().floats();
        float[] b = second.contiguous().floats();
        int equal = 0;
        double largest = 0;
        for (int i = 0; i < a.length; i++) {
            equal += Float.floatToIntBits(a[i]) == Float.floatToIntBits(b[i]) ? 1 : 0;
            largest = Math.max(largest, Math.abs((double) a[i] - b[i]));
        }
        System.out.printf(
                Locale.ROOT,
                "%-46s %s%n",
                name,
                equal == a.length
                        ? "equal bits"
                        : String.format(
                                Locale.ROOT,
                                "equal bits in %d of %d, largest difference %.2g",
                                equal,
                                a.length,
                                largest));
    }

    private static Tensor normal(RandomGenerator random, long... shape) {
        float[] values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return Tensor.of(Device.CPU, values, shape);
    }

    /** {@code |delta| / |g|} of each tensor between two micro-batch sizes. */
    private static void microBatches(ModelFiles files, DType type, List<TrainingRow> rows, Workers worker) {
        ModelConfig config = files.config();
        try (Parameters parameters = Parameters.zeros(config, Device.CPU, type);
                Transformer model = new Transformer(config, parameters)) {
            parameters.initialise(3, 0.05);
            try (PolicyGradient.Result small =
                            gradient(256, worker).compute(model, 0, rows, Loss.of(new Reinforce()), false);
                    PolicyGradient.Result large =
                            gradient(1 << 20, worker).compute(model, 0, rows, Loss.of(new Reinforce()), false)) {
                List<String> lines = new ArrayList<>();
                double largest = 0;
                for (String name : large.gradients().keySet()) {
                    double[] a =
                            Objects.requireNonNull(small.gradients().get(name)).doubles();
                    double[] b =
                            Objects.requireNonNull(large.gradients().get(name)).doubles();
                    double difference = 0;
                    double size = 0;
                    for (int i = 0; i < a.length; i++) {
                        difference += (a[i] - b[i]) * (a[i] - b[i]);
                        size += b[i] * b[i];
                    }
                    double relative = Math.sqrt(difference / size);
                    largest = Math.max(largest, relative);
                    lines.add(String.format(Locale.ROOT, "  %-50s %.2g", name, relative));
                }
                System.out.printf(
                        Locale.ROOT,
                        "%n|delta| / |g| of blocks of 256 tokens against one block, %s: at most %.2g%n",
                        type,
                        largest);
                lines.forEach(System.out::println);
            }
        }
    }
}

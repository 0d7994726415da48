package org.minpro.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.minpro.model.HuggingFaceReader;
import org.minpro.model.Kernels;
import org.minpro.model.ModelConfig;
import org.minpro.model.Parameters;
import org.minpro.model.Transformer;
import org.minpro.objective.LogProbStream;
import org.minpro.objective.Loss;
import org.minpro.objective.Reinforce;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Engine;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;
import org.minpro.train.PolicyGradient;
import org.minpro.train.TrainingRow;

/**
 * Models on a device beside the same on the CPU: log-probabilities of random rows, and the gradient of a loss of them. Exits with
 * 1 where they differ by more than rounding.
 *
 * <pre>DeviceModels auto|cpu|cuda[:N] f32|bf16 FOLDER...</pre>
 *
 * <p>On the CPU both sides are the CPU: one as it is, the other with libtorch's operations in the shape of a GPU.
 */
public final class DeviceModels {
    /** Rows of a group share their prompt. */
    private static final int GROUPS = 4;

    private static final int ROWS_OF_GROUP = 3;

    /** Of log-probabilities, nats: the mean difference, and the largest. Of a gradient, of all its numbers: relative. */
    private record Limits(double mean, double most, double gradient) {
        static Limits of(DType type) {
            return type == DType.BF16 ? new Limits(0.1, 1, 0.15) : new Limits(2e-5, 2e-4, 1e-4);
        }
    }

    /** What a model makes of the rows. */
    private record Outcome(float[][] logProbs, Map<String, double[]> gradients) {}

    private DeviceModels() {}

    public static void main(String[] arguments) {
        if (arguments.length < 3 || !List.of("f32", "bf16").contains(arguments[1])) {
            System.err.println("usage: DeviceModels auto|cpu|cuda[:N] f32|bf16 FOLDER...");
            System.exit(2);
        }
        Device device = Engine.use(arguments[0]);
        DType type = arguments[1].equals("bf16") ? DType.BF16 : DType.F32;
        int differ = 0;
        for (String folder : Arrays.asList(arguments).subList(2, arguments.length)) {
            String name = Path.of(folder).getFileName().toString();
            HuggingFaceReader files = HuggingFaceReader.open(folder);
            List<TrainingRow> rows = rows(files.config());
            Outcome expected = outcome(files, rows, Device.CPU, type, false);
            try {
                Outcome found = outcome(files, rows, device, type, device.equals(Device.CPU));
                differ += report(name, found, expected, Limits.of(type)) ? 0 : 1;
            } catch (RuntimeException e) {
                // It loses no other: the device may be there once.
                differ++;
                System.out.println("FAIL " + name + ": " + DeviceCheck.firstLine(e));
            }
        }
        System.out.println(differ == 0 ? "all as on the CPU" : differ + " differ");
        System.exit(differ == 0 ? 0 : 1);
    }

    /** @param together whether libtorch's operations compute in the shape of a GPU, whatever the device is */
    private static Outcome outcome(
            HuggingFaceReader files, List<TrainingRow> rows, Device device, DType type, boolean together) {
        ModelConfig config = files.config();
        try (Workers workers = new Workers(1);
                Parameters parameters = Parameters.zeros(config, device, type)) {
            files.load(parameters.named());
            try (Transformer model = together
                            ? new Transformer(config, parameters, Kernels.libtorch(config, device, type, true))
                            : new Transformer(config, parameters);
                    PolicyGradient.Result result = new PolicyGradient(new PolicyGradient.Settings(1, 16384, 1), workers)
                            .compute(model, 0, rows, Loss.of(new Reinforce()), false)) {
                return new Outcome(result.scored().logProbs(), numbers(result.gradients()));
            }
        }
    }

    private static Map<String, double[]> numbers(SequencedMap<String, Tensor> gradients) {
        Map<String, double[]> numbers = new TreeMap<>();
        gradients.forEach((name, gradient) -> numbers.put(name, gradient.doubles()));
        return numbers;
    }

    private static boolean report(String name, Outcome found, Outcome expected, Limits limits) {
        double sum = 0;
        double most = 0;
        int tokens = 0;
        for (int row = 0; row < expected.logProbs.length; row++) {
            for (int t = 0; t < expected.logProbs[row].length; t++) {
                double far = Math.abs(found.logProbs[row][t] - expected.logProbs[row][t]);
                sum += far;
                // What is no number stays so.
                most = Math.max(most, far);
                tokens++;
            }
        }
        double difference = 0;
        double size = 0;
        for (Map.Entry<String, double[]> gradient : expected.gradients.entrySet()) {
            double[] other = found.gradients.get(gradient.getKey());
            for (int i = 0; i < gradient.getValue().length; i++) {
                double far = other == null ? Double.NaN : other[i] - gradient.getValue()[i];
                difference += far * far;
                size += gradient.getValue()[i] * gradient.getValue()[i];
            }
        }
        double relative = Math.sqrt(difference / size);
        boolean good = sum / tokens <= limits.mean && most <= limits.most && relative <= limits.gradient;
        System.out.printf(
                Locale.ROOT,
                "%-26s %-4s %d tokens, log-probabilities differ by %.1e in the mean, at most %.1e; gradients of %d tensors by %.1e%n",
                name,
                good ? "ok" : "FAIL",
                tokens,
                sum / tokens,
                most,
                expected.gradients.size(),
                relative);
        return good;
    }

    private static List<TrainingRow> rows(ModelConfig config) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
        List<TrainingRow> rows = new ArrayList<>();
        for (int group = 0; group < GROUPS; group++) {
            int[] prompt = ids(random, 3 + 7 * group, config.vocabSize());
            for (int i = 0; i < ROWS_OF_GROUP; i++) {
                int[] response = ids(random, 5 + random.nextInt(20), config.vocabSize());
                boolean[] mask = new boolean[response.length];
                Arrays.fill(mask, true);
                float[] behavior = new float[response.length];
                Arrays.fill(behavior, (float) -Math.log(config.vocabSize()));
                double[] advantages = new double[response.length];
                Arrays.fill(advantages, random.nextGaussian());
                rows.add(new TrainingRow(
                        group,
                        i,
                        prompt,
                        response,
                        mask,
                        Map.of(LogProbStream.BEHAVIOR, behavior),
                        new long[response.length],
                        advantages));
            }
        }
        return rows;
    }

    private static int[] ids(RandomGenerator random, int length, int vocabulary) {
        return random.ints(length, 2, vocabulary).toArray();
    }
}

package org.minpro.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.minpro.model.HuggingFaceReader;
import org.minpro.model.Parameters;
import org.minpro.model.Transformer;
import org.minpro.objective.Loss;
import org.minpro.objective.Reinforce;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Workers;

/**
 * Work with long texts in a process of its own, whose peak of resident memory is its last line: {@code sample} scores two
 * rows of 8,192 tokens and samples four responses of 4,096, {@code train} computes the gradient of the two rows. Log-probs
 * come first, one to a line.
 *
 * <p>Arguments: the fixture's folder, and {@code sample} or {@code train}.
 */
final class LongContextRun {
    static final int LENGTH = 8192;
    static final int NEW_TOKENS = 4096;

    private LongContextRun() {}

    public static void main(String[] arguments) throws IOException {
        HuggingFaceReader files = HuggingFaceReader.open(Path.of(arguments[0]));
        try (Workers workers = new Workers(1);
                Parameters parameters = Parameters.zeros(files.config(), Device.CPU, DType.F32);
                Transformer model = new Transformer(files.config(), parameters)) {
            files.load(parameters.named());
            List<TrainingRow> rows = IntStream.range(0, 2)
                    .mapToObj(index -> row(sequence(index, files.config().vocabSize())))
                    .toList();
            PolicyGradient gradient = new PolicyGradient(new PolicyGradient.Settings(1, 768, 1), workers);
            print(
                    arguments[1].equals("sample")
                            ? scoreAndSample(model, workers, gradient, rows)
                            : train(model, gradient, rows));
        }
        System.out.println(peakKilobytes());
    }

    /** The fixture's tokens, as bench/goldens/model_fixtures.py makes them. */
    static int[] sequence(int index, int vocabulary) {
        int[] ids = new int[LENGTH];
        long state = index + 1L;
        for (int i = 0; i < ids.length; i++) {
            state = (1664525 * state + 1013904223) % (1L << 32);
            ids[i] = (int) ((state >> 16) % vocabulary);
        }
        return ids;
    }

    private static TrainingRow row(int[] ids) {
        int[] response = Arrays.copyOfRange(ids, ids.length / 2, ids.length);
        return TrainingRow.demonstration(0, Arrays.copyOf(ids, ids.length / 2), response);
    }

    private static float[][] scoreAndSample(
            Transformer model, Workers workers, PolicyGradient gradient, List<TrainingRow> rows) {
        float[][] logProbs = gradient.score(model, rows, false).logProbs();
        try (LocalRolloutEngine engine =
                LocalRolloutEngine.over(model, workers, LocalRolloutEngine.FEWEST_SLOTS, 1, ids -> "")) {
            List<Rollout> rollouts = engine.generate(
                    List.of(RolloutRequest.of(0, Arrays.copyOf(rows.getFirst().promptIds(), 64), 4)),
                    SamplingParams.of(NEW_TOKENS, List.of()),
                    rollout -> {});
            if (rollouts.stream().mapToInt(Rollout::length).sum() != 4 * NEW_TOKENS) {
                throw new IllegalStateException("every response must have " + NEW_TOKENS + " tokens");
            }
        }
        return logProbs;
    }

    private static float[][] train(Transformer model, PolicyGradient gradient, List<TrainingRow> rows) {
        try (PolicyGradient.Result result = gradient.compute(model, 0, rows, Loss.of(new Reinforce()), false)) {
            return result.scored().logProbs();
        }
    }

    private static void print(float[][] logProbs) {
        for (float[] row : logProbs) {
            for (float logProb : row) {
                System.out.println(logProb);
            }
        }
    }

    private static long peakKilobytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmHWM:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElseThrow();
    }
}

package org.minpro.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.minpro.model.Parameters;
import org.minpro.model.TinyModels;
import org.minpro.model.TokenBlock;
import org.minpro.model.Transformer;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;

class SupervisedTrainerTest {
    private static final int ROWS = 12;

    /** Short examples of many lengths, some with turns that are context, two with a prompt in common. */
    private static List<SupervisedTrainer.Example> examples() {
        Random random = new Random(4);
        List<SupervisedTrainer.Example> examples = new ArrayList<>();
        for (int i = 0; i < ROWS; i++) {
            int[] prompt = i == 1
                    ? examples.getFirst().promptIds()
                    : random.ints(1 + random.nextInt(6), 2, 97).toArray();
            int[] completion = random.ints(1 + random.nextInt(9), 2, 97).toArray();
            boolean[] learnt = new boolean[completion.length];
            for (int t = 0; t < learnt.length; t++) {
                learnt[t] = t % 4 != 1;
            }
            examples.add(new SupervisedTrainer.Example(prompt, completion, learnt));
        }
        return examples;
    }

    private record Outcome(List<SupervisedTrainer.Report> reports, Map<String, double[]> weights) {}

    private static Outcome train(int microBatchTokens) {
        List<SupervisedTrainer.Example> examples = examples();
        Parameters parameters = Parameters.zeros(TinyModels.dense(), Device.CPU, DType.F32);
        parameters.initialise(5, 0.1);
        try (Policy policy = new Policy(TinyModels.dense(), parameters, DType.F32);
                Workers workers = new Workers(1);
                SupervisedTrainer trainer = new SupervisedTrainer(
                        new SupervisedTrainer.Settings(
                                3,
                                ROWS,
                                new OptimizerSettings(1e-3, 0, LearningRateSchedule.CONSTANT),
                                new ComputeSettings(microBatchTokens, 2, 1)),
                        policy,
                        ordinal -> examples.get((int) (ordinal % ROWS)),
                        workers)) {
            List<SupervisedTrainer.Report> reports = new ArrayList<>();
            while (!trainer.finished()) {
                reports.add(trainer.step());
            }
            Map<String, double[]> weights = new TreeMap<>();
            policy.master().stored().forEach((name, tensor) -> weights.put(name, tensor.doubles()));
            return new Outcome(reports, weights);
        }
    }

    /** A budget of one token gives each example a block of its own; sums are in another order, so the last bits differ. */
    @Test
    void packedExamplesTeachWhatTheyTeachAlone() {
        List<TrainingRow> rows = examples().stream()
                .map(example ->
                        TrainingRow.demonstration(0, example.promptIds(), example.completionIds(), example.learnt()))
                .toList();
        assertThat(BlockPlan.of(rows, 1, 2)).hasSize(ROWS);
        assertThat(BlockPlan.of(rows, new ComputeSettings().microBatchTokens(), 2))
                .hasSizeLessThanOrEqualTo(2);
        Outcome alone = train(1);
        Outcome packed = train(new ComputeSettings().microBatchTokens());
        for (int update = 0; update < alone.reports().size(); update++) {
            SupervisedTrainer.Report one = alone.reports().get(update);
            SupervisedTrainer.Report other = packed.reports().get(update);
            assertThat(other.loss()).isCloseTo(one.loss(), within(1e-6 * one.loss()));
            assertThat(other.gradientNorm()).isCloseTo(one.gradientNorm(), within(1e-5 * one.gradientNorm()));
            assertThat(other.tokens()).isEqualTo(one.tokens());
        }
        alone.weights().forEach((name, values) -> {
            double[] others = Objects.requireNonNull(packed.weights().get(name));
            for (int i = 0; i < values.length; i++) {
                assertThat(others[i]).as(name).isCloseTo(values[i], within(1e-5));
            }
        });
    }

    @Test
    void noExampleOfABlockSeesAnother() {
        int[] prompt = {5, 6};
        int[] completion = {7, 8, 9};
        try (Transformer model = TinyModels.random(TinyModels.dense(), DType.F32, 3);
                Parameters parameters = model.parameters();
                Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor one = model.hidden(block(new int[] {11, 12, 13}, new int[] {14, 15}, prompt, completion));
            Tensor other = model.hidden(block(new int[] {21, 22, 23}, new int[] {24, 25}, prompt, completion));
            // Behind the two tokens of the first example.
            int from = 2 * TinyModels.dense().hiddenSize();
            double[] first = one.doubles();
            double[] second = other.doubles();
            assertThat(Arrays.copyOfRange(second, from, second.length))
                    .isEqualTo(Arrays.copyOfRange(first, from, first.length));
            assertThat(second[0]).isNotEqualTo(first[0]);
            double[] alone = model.hidden(TokenBlock.of(prompt, completion)).doubles();
            for (int i = 0; i < alone.length; i++) {
                assertThat(first[from + i]).isCloseTo(alone[i], within(1e-5));
            }
            assertThat(parameters.stored()).isNotEmpty();
            assertThat(List.of(scope, off)).isNotEmpty();
        }
    }

    private static TokenBlock block(int[] firstPrompt, int[] first, int[] secondPrompt, int[] second) {
        return new TokenBlock(List.of(firstPrompt, secondPrompt), new int[] {0, 1}, List.of(first, second));
    }
}

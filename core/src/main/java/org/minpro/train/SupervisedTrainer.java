package org.minpro.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SequencedMap;
import org.minpro.objective.Loss;
import org.minpro.objective.Objective;
import org.minpro.objective.ObjectiveResult;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;

/**
 * Supervised fine-tuning on prompts and completions: the mean of {@code -log pi(y_t)} over the completions' tokens; the
 * prompt is masked.
 *
 * <p>Reinforcement learning needs a base that is right now and then; this makes one. It is the policy's own update with
 * every advantage 1.
 */
public final class SupervisedTrainer implements AutoCloseable {
    private static final Objective NEGATIVE_LOG_LIKELIHOOD =
            inputs -> new ObjectiveResult(inputs.logProbs().negate());

    /**
     * A prompt with the completion to learn.
     *
     * @param learnt which completion tokens are learnt; those of other speakers are context
     */
    public record Example(int[] promptIds, int[] completionIds, boolean[] learnt) {
        /** A completion that is learnt as a whole. */
        public Example(int[] promptIds, int[] completionIds) {
            this(promptIds, completionIds, all(completionIds.length));
        }

        private static boolean[] all(int length) {
            boolean[] all = new boolean[length];
            Arrays.fill(all, true);
            return all;
        }

        /** How many tokens are learnt. */
        public int tokens() {
            int tokens = 0;
            for (boolean one : learnt) {
                tokens += one ? 1 : 0;
            }
            return tokens;
        }

        public Example {
            if (learnt.length != completionIds.length) {
                throw new IllegalArgumentException("learnt must have one entry per completion token, "
                        + completionIds.length + ", got: " + learnt.length);
            }
            if (promptIds.length == 0 || completionIds.length == 0) {
                throw new IllegalArgumentException("an example must have a prompt and a completion, got: "
                        + promptIds.length + " and " + completionIds.length + " tokens");
            }
        }
    }

    /** The example of an ordinal: a pure function, so that a run needs no position but the ordinal. */
    @FunctionalInterface
    public interface ExampleSource {
        Example example(long ordinal);
    }

    /**
     * @param updates optimizer steps
     * @param rows examples of an update
     * @param optimizer AdamW, its learning rate, clipping
     * @param compute how an update is cut
     */
    public record Settings(long updates, int rows, OptimizerSettings optimizer, ComputeSettings compute) {
        public Settings {
            if (updates < 1 || rows < 1) {
                throw new IllegalArgumentException("updates and rows must be >= 1, got: " + updates + " and " + rows);
            }
        }
    }

    /**
     * @param update ordinal, from 0
     * @param loss mean negative log-probability of the update's completion tokens before the step, nats
     * @param gradientNorm before clipping
     * @param tokens completion tokens that are learnt
     */
    public record Report(long update, double loss, double gradientNorm, long tokens) {}

    private final Settings settings;
    private final ExampleSource examples;
    private final Learner learner;

    public SupervisedTrainer(Settings settings, Policy policy, ExampleSource examples, Workers workers) {
        this.settings = settings;
        this.examples = examples;
        learner = new Learner(
                policy,
                new Learner.Settings(
                        Loss.of(NEGATIVE_LOG_LIKELIHOOD),
                        settings.optimizer(),
                        settings.updates(),
                        new PolicyGradient.Settings(
                                settings.compute().lanes(), settings.compute().microBatchTokens(), 1),
                        false),
                workers);
    }

    /** The optimizer's tensors by name, for a checkpoint. */
    public SequencedMap<String, Tensor> optimizerState() {
        return learner.optimizerState();
    }

    /** Continues after that many optimizer steps; weights and {@link #optimizerState} are restored by the caller. */
    public void restore(long done) {
        learner.restore(new Learner.State(done, done, done));
    }

    /** Optimizer steps done. */
    public long done() {
        return learner.state().updates();
    }

    public boolean finished() {
        return done() >= settings.updates();
    }

    public Report step() {
        long update = done();
        List<TrainingRow> rows = new ArrayList<>();
        long tokens = 0;
        for (int i = 0; i < settings.rows(); i++) {
            long ordinal = update * settings.rows() + i;
            Example example = examples.example(ordinal);
            rows.add(
                    TrainingRow.demonstration(ordinal, example.promptIds(), example.completionIds(), example.learnt()));
            tokens += example.tokens();
        }
        Update.Step step = learner.update(rows).requireStep();
        return new Report(update, step.metrics().loss(), step.gradientNorm(), tokens);
    }

    @Override
    public void close() {
        learner.close();
    }
}

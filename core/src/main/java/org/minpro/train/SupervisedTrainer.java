package org.minpro.train;

import java.util.ArrayList;
import java.util.List;
import org.minpro.objective.Aggregation;
import org.minpro.objective.Anchor;
import org.minpro.objective.Objective;
import org.minpro.objective.ObjectiveResult;
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

    /** A prompt with the completion to learn. */
    public record Example(int[] promptIds, int[] completionIds) {
        public Example {
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
     * @param optimizer AdamW's settings
     * @param schedule of the learning rate
     * @param clipNorm largest norm of a gradient; 0 does not clip
     * @param lanes ordered shares of a batch; part of the numerics
     * @param microBatchTokens most computed tokens of a block
     */
    public record Settings(
            long updates,
            int rows,
            AdamW.Settings optimizer,
            LearningRateSchedule schedule,
            double clipNorm,
            int lanes,
            int microBatchTokens) {
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
     * @param tokens completion tokens
     */
    public record Report(long update, double loss, double gradientNorm, long tokens) {}

    private final Settings settings;
    private final Policy policy;
    private final ExampleSource examples;
    private final AdamW optimizer;
    private final PolicyUpdater updater;

    public SupervisedTrainer(Settings settings, Policy policy, ExampleSource examples, Workers workers) {
        this.settings = settings;
        this.policy = policy;
        this.examples = examples;
        optimizer = new AdamW(settings.optimizer(), policy.master());
        updater = new PolicyUpdater(
                policy,
                new PolicyGradient(policy.model(), workers, settings.lanes(), settings.microBatchTokens(), 1),
                optimizer,
                NEGATIVE_LOG_LIKELIHOOD,
                Aggregation.TOKEN_MEAN,
                Anchor.BEHAVIOR,
                settings.clipNorm(),
                workers);
    }

    public AdamW optimizer() {
        return optimizer;
    }

    /** Optimizer steps done. */
    public long done() {
        return policy.version();
    }

    public boolean finished() {
        return done() >= settings.updates();
    }

    public Report step() {
        long update = policy.version();
        List<TrainingRow> rows = new ArrayList<>();
        long tokens = 0;
        for (int i = 0; i < settings.rows(); i++) {
            long ordinal = update * settings.rows() + i;
            Example example = examples.example(ordinal);
            rows.add(TrainingRow.demonstration(ordinal, example.promptIds(), example.completionIds()));
            tokens += example.completionIds().length;
        }
        PolicyUpdater.Done done = updater.update(rows, settings.schedule().at(update, settings.updates()), false);
        return new Report(
                update,
                done.metrics().getOrDefault("loss", Double.NaN),
                done.metrics().getOrDefault("grad_norm", Double.NaN),
                tokens);
    }

    @Override
    public void close() {
        optimizer.close();
    }
}

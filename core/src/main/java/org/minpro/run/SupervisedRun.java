package org.minpro.run;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.minpro.eval.SequenceScorer;
import org.minpro.model.PolicyVersion;
import org.minpro.recipe.SftRecipe;
import org.minpro.tensor.Workers;
import org.minpro.train.NonFiniteUpdateException;
import org.minpro.train.Policy;
import org.minpro.train.SupervisedTrainer;

/**
 * A supervised run in its folder: the trainer, its metrics and its checkpoints, as {@link TrainingRun} is one of reinforcement
 * learning.
 */
final class SupervisedRun implements AutoCloseable {
    private static final String FROZEN = "frozen_sha256";

    private final RunFolder folder;
    private final SftRecipe recipe;
    private final Policy policy;
    private final Workers workers;
    private final SupervisedTrainer trainer;
    private final List<SupervisedTrainer.Example> heldOut;
    private final MetricsFile metrics;
    private final Checkpoints checkpoints;
    private final Consumer<String> notice;
    private boolean warnedOfGradient;
    private volatile boolean stopping;

    /**
     * Opens a run: from its newest checkpoint where the folder has one, else from the policy as it is.
     *
     * @param trainer of the policy; closed by the caller
     * @param heldOut examples whose loss is measured and not learnt
     * @param notice told what a person should read, in one line
     */
    SupervisedRun(
            RunFolder folder,
            SftRecipe recipe,
            Policy policy,
            Workers workers,
            SupervisedTrainer trainer,
            List<SupervisedTrainer.Example> heldOut,
            Consumer<String> notice) {
        this.folder = folder;
        this.recipe = recipe;
        this.policy = policy;
        this.workers = workers;
        this.trainer = trainer;
        this.heldOut = heldOut;
        this.notice = notice;
        checkpoints = new Checkpoints(folder.checkpoints(), recipe.checkpoints().keep());
        checkpoints.newest(notice).ifPresent(checkpoint -> {
            policy.requireFrozen(checkpoint.state().path(FROZEN).stringValue(""), folder.recipe());
            checkpoint.load(policy.beginUpdate().trainableNamed(), trainer.optimizerState());
            trainer.restore(checkpoint.iteration());
        });
        metrics = MetricsFile.open(folder.metrics(), policy.version());
    }

    /** The file that each update is recorded in. */
    MetricsFile metrics() {
        return metrics;
    }

    /** Whether all updates are done. */
    boolean finished() {
        return trainer.finished();
    }

    /** Optimizer steps done. */
    long done() {
        return trainer.done();
    }

    /** Asks the run to save itself and stop; from any thread. */
    void stop() {
        stopping = true;
    }

    /**
     * Trains until the last update, or until {@link #stop}.
     *
     * @param told of each update with the seconds it took
     * @return whether all updates are done
     */
    boolean run(BiConsumer<SupervisedTrainer.Report, Double> told) {
        if (trainer.done() == 0 && !heldOut.isEmpty() && !stopping) {
            evaluationLoss("before the first update");
        }
        while (!trainer.finished() && !stopping) {
            long start = System.nanoTime();
            SupervisedTrainer.Report report;
            try {
                report = trainer.step();
            } catch (NonFiniteUpdateException e) {
                throw FailedUpdate.saved(e, folder.path());
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            Map<String, Double> values = new LinkedHashMap<>();
            values.put("loss", report.loss());
            values.put("grad_norm", report.gradientNorm());
            values.put("tokens", (double) report.tokens());
            if (!heldOut.isEmpty() && isEvaluationDue()) {
                values.put("evaluation_loss", evaluationLoss("after update " + trainer.done()));
            }
            metrics.append(report.update(), values, Map.of("seconds", seconds));
            told.accept(report, seconds);
            if (report.gradientNorm() == 0 && !warnedOfGradient) {
                warnedOfGradient = true;
                notice.accept("warning: the gradient of update " + report.update()
                        + " has norm 0: it teaches nothing (the model is already sure of every token, or what is trained"
                        + " does not reach them); grad_norm of each update is in " + folder.metrics());
            }
            if (recipe.checkpoints().isDue(trainer.done())) {
                save();
            }
        }
        save();
        return trainer.finished();
    }

    private boolean isEvaluationDue() {
        return trainer.finished() || (recipe.evaluationEvery() > 0 && trainer.done() % recipe.evaluationEvery() == 0);
    }

    /** Mean negative log-probability of the held-out examples' learnt tokens, nats. */
    private double evaluationLoss(String when) {
        List<int[]> sequences = new ArrayList<>();
        for (SupervisedTrainer.Example example : heldOut) {
            int[] prompt = example.promptIds();
            int[] ids = Arrays.copyOf(prompt, prompt.length + example.completionIds().length);
            System.arraycopy(example.completionIds(), 0, ids, prompt.length, example.completionIds().length);
            sequences.add(ids);
        }
        List<double[]> logProbs;
        try (PolicyVersion version = policy.holdVersion()) {
            logProbs = new SequenceScorer(version.model(), workers).score(sequences);
        }
        double sum = 0;
        long tokens = 0;
        for (int row = 0; row < sequences.size(); row++) {
            SupervisedTrainer.Example example = heldOut.get(row);
            for (int i = 0; i < example.learnt().length; i++) {
                if (example.learnt()[i]) {
                    // The first token has no log-probability, so those of the sequence are one behind.
                    sum -= logProbs.get(row)[example.promptIds().length - 1 + i];
                    tokens++;
                }
            }
        }
        double loss = sum / tokens;
        notice.accept(String.format(
                Locale.ROOT, "evaluation loss %s: %.4f (%d examples, %d tokens)", when, loss, heldOut.size(), tokens));
        return loss;
    }

    private void save() {
        policy.requireFiniteWeights(workers, "after update " + trainer.done(), folder.recipe());
        metrics.force();
        Map<String, Object> state = new LinkedHashMap<>(Map.of("updates", trainer.done()));
        if (!policy.frozenSha256().isEmpty()) {
            state.put(FROZEN, policy.frozenSha256());
        }
        checkpoints.save(
                trainer.done(), policy.master().trainableNamed(), trainer.optimizerState(), Checkpoints.state(state));
        RunFailure.overcome(folder.path());
    }

    @Override
    public void close() {
        metrics.close();
    }
}

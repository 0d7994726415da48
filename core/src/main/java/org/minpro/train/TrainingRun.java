package org.minpro.train;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import org.minpro.checkpoint.Checkpoints;
import org.minpro.checkpoint.JournalFile;
import org.minpro.checkpoint.RunFolder;
import org.minpro.data.ProblemSource;
import org.minpro.metrics.MetricsFile;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.reward.ScoredGroup;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutEngine;
import org.minpro.tensor.Workers;
import tools.jackson.databind.JsonNode;

/**
 * A run in its folder: the trainer, its journal, its metrics and its checkpoints.
 *
 * <p>Whatever happens to the process, opening the run again and going on gives the bytes that it would have given
 * uninterrupted: a checkpoint holds the state between two iterations, the journal every rollout that had ended.
 */
public final class TrainingRun implements AutoCloseable {
    /** Iterations without any difference in reward after which a person is told. */
    static final int DULL_ITERATIONS = 5;

    private static final String FROZEN = "frozen_sha256";

    private final RunFolder folder;
    private final Policy policy;
    private final RolloutEngine engine;
    private final Workers workers;
    private final Trainer trainer;
    private final JournalFile journal;
    private final MetricsFile metrics;
    private final Checkpoints checkpoints;
    private final int checkpointEvery;
    private final double maxUndecided;
    private final RunListener listener;
    private volatile boolean stopping;

    private TrainingRun(
            RunFolder folder,
            Policy policy,
            RolloutEngine engine,
            Workers workers,
            Trainer trainer,
            JournalFile journal,
            MetricsFile metrics,
            Checkpoints checkpoints,
            int checkpointEvery,
            double maxUndecided,
            RunListener listener) {
        this.folder = folder;
        this.policy = policy;
        this.engine = engine;
        this.workers = workers;
        this.trainer = trainer;
        this.journal = journal;
        this.metrics = metrics;
        this.checkpoints = checkpoints;
        this.checkpointEvery = checkpointEvery;
        this.maxUndecided = maxUndecided;
        this.listener = listener;
    }

    /**
     * Opens a run: from its newest checkpoint where the folder has one, else from the policy as it is.
     *
     * @param checkpointEvery iterations between two checkpoints
     * @param keep checkpoints kept
     * @param maxUndecided share of an iteration's responses that may be undecided; the run stops beyond it
     */
    public static TrainingRun open(
            RunFolder folder,
            Trainer.Settings settings,
            Policy policy,
            RolloutEngine engine,
            ProblemSource problems,
            PromptEncoder prompts,
            Reward reward,
            Workers workers,
            int checkpointEvery,
            int keep,
            double maxUndecided,
            RunListener listener) {
        if (checkpointEvery < 1) {
            throw new IllegalArgumentException("checkpoint every must be >= 1 iterations, got: " + checkpointEvery);
        }
        Checkpoints checkpoints = new Checkpoints(folder.checkpoints(), keep);
        Optional<Checkpoints.Checkpoint> newest = checkpoints.newest(listener::notice);
        Trainer.State state = newest.map(checkpoint -> state(checkpoint.state()))
                .orElse(new Trainer.State(0, policy.version(), 0, 0, List.of(), 0));
        long oldestDraw = state.waiting().stream()
                .flatMap(List::stream)
                .mapToLong(Long::longValue)
                .min()
                .orElse(state.nextDraw());
        JournalFile journal = JournalFile.open(folder.journal(), oldestDraw);
        journal.damaged().forEach(line -> listener.notice("warning: a damaged line is left out: " + line));
        MetricsFile metrics = MetricsFile.open(folder.metrics(), state.iteration());
        forgetSamples(folder.samples(), state.iteration());
        Trainer trainer = new Trainer(settings, policy, engine, problems, prompts, reward, journal, workers);
        if (newest.isPresent()) {
            policy.requireFrozen(newest.get().state().path(FROZEN).stringValue(""), folder.recipe());
            newest.get()
                    .load(policy.master().trainableNamed(), trainer.optimizer().state());
            trainer.optimizer()
                    .setSteps(newest.get().state().path("optimizer_steps").longValue());
            trainer.restore(state, journal);
        }
        return new TrainingRun(
                folder,
                policy,
                engine,
                workers,
                trainer,
                journal,
                metrics,
                checkpoints,
                checkpointEvery,
                maxUndecided,
                listener);
    }

    public Trainer trainer() {
        return trainer;
    }

    /** The next iteration. */
    public long iteration() {
        return trainer.state().iteration();
    }

    /** Asks the run to stop at the next safe point; from any thread. */
    public void stop() {
        stopping = true;
        engine.cancel();
    }

    /**
     * Goes on until the last iteration or until it is asked to stop; either way a checkpoint is saved.
     *
     * @return whether all iterations are done
     * @throws TooManyUndecidedException where more responses of an iteration are undecided than allowed; the run is saved
     * @throws IllegalStateException where an update or the weights after it are not finite; what was saved before it stays
     */
    public boolean run() {
        try {
            while (!trainer.finished() && !stopping) {
                Trainer.IterationReport report = trainer.iterate(listener);
                record(report);
                if (report.metrics().getOrDefault("undecided", 0.0) > maxUndecided) {
                    save();
                    throw new TooManyUndecidedException(undecided(report));
                }
                if (trainer.state().iteration() % checkpointEvery == 0) {
                    save();
                }
            }
        } catch (CancellationException e) {
            if (!stopping) {
                throw e;
            }
        } catch (NonFiniteUpdateException e) {
            throw FailedUpdate.saved(e, folder.path());
        }
        save();
        return trainer.finished();
    }

    private void record(Trainer.IterationReport report) {
        Map<String, Double> time = new LinkedHashMap<>();
        time.put("sampling_seconds", report.samplingSeconds());
        time.put("training_seconds", report.trainingSeconds());
        time.put("sampled_tokens_per_second", report.sampledTokens() / report.samplingSeconds());
        time.put("trained_tokens_per_second", report.trainedTokens() / report.trainingSeconds());
        metrics.append(report.iteration(), report.metrics(), time);
        writeSamples(report);
        listener.iterationFinished(report);
        if (report.metrics().getOrDefault("iterations_without_signal", 0.0) == DULL_ITERATIONS) {
            listener.notice("nothing to learn: " + whyNothing(report));
        }
    }

    private static String whyNothing(Trainer.IterationReport report) {
        Double reward = report.metrics().get("reward");
        if (reward == null) {
            return "for " + DULL_ITERATIONS + " iterations no group had two responses that could be judged: "
                    + Undecided.of(report.fresh()).reasons();
        }
        return "for " + DULL_ITERATIONS + " iterations all responses of every group had the same reward (mean " + reward
                + "); advantages compare responses of one group. Problems of another difficulty, a larger"
                + " group-size or a reward with parts would give a signal";
    }

    private String undecided(Trainer.IterationReport report) {
        Undecided undecided = Undecided.of(report.fresh());
        return "the share of undecided responses must be at most max-undecided (" + maxUndecided + "), got: "
                + undecided.count() + " of " + undecided.responses() + " in iteration " + report.iteration() + ": "
                + undecided.reasons()
                + ". The run is saved: mend the reward or the references, or raise max-undecided in "
                + folder.recipe() + ", and continue it";
    }

    /** The first group of the iteration, for people. */
    private void writeSamples(Trainer.IterationReport report) {
        ScoredGroup group = report.fresh().getFirst();
        StringBuilder text = new StringBuilder("== iteration " + report.iteration() + ", draw " + group.draw() + ": "
                + group.problem().id() + "\n");
        for (int i = 0; i < group.rollouts().size(); i++) {
            Rollout rollout = group.rollouts().get(i);
            Score score = group.scores().get(i);
            text.append("-- reward ")
                    .append(score.decided() ? String.valueOf(score.value()) : "undecided")
                    .append(score.reason().isEmpty() ? "" : " (" + score.reason() + ")")
                    .append('\n')
                    .append(rollout.text())
                    .append('\n');
        }
        try {
            Files.writeString(
                    folder.samples(),
                    text,
                    StandardCharsets.UTF_8,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Removes samples of iterations that the run does again. */
    private static void forgetSamples(Path samples, long nextIteration) {
        if (!Files.exists(samples)) {
            return;
        }
        try {
            // A crash may have cut a character: Files.readString would throw.
            String text = new String(Files.readAllBytes(samples), StandardCharsets.UTF_8);
            int end = text.indexOf("== iteration " + nextIteration + ",");
            if (end >= 0) {
                Files.writeString(samples, text.substring(0, end));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void save() {
        policy.requireFiniteWeights(workers, "before iteration " + iteration(), folder.recipe());
        journal.force();
        metrics.force();
        Trainer.State state = trainer.state();
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("iteration", state.iteration());
        values.put("version", state.version());
        values.put("next_draw", state.nextDraw());
        values.put("updates", state.updates());
        values.put("optimizer_steps", trainer.optimizer().steps());
        values.put("waiting", state.waiting());
        values.put("iterations_without_signal", state.dullIterations());
        if (!policy.frozenSha256().isEmpty()) {
            values.put(FROZEN, policy.frozenSha256());
        }
        checkpoints.save(
                state.iteration(),
                policy.master().trainableNamed(),
                trainer.optimizer().state(),
                Checkpoints.state(values));
        journal.forgetBefore(state.waiting().stream()
                .flatMap(List::stream)
                .mapToLong(Long::longValue)
                .min()
                .orElse(state.nextDraw()));
    }

    private static Trainer.State state(JsonNode node) {
        List<List<Long>> waiting = new ArrayList<>();
        for (JsonNode batch : node.path("waiting")) {
            List<Long> draws = new ArrayList<>();
            batch.forEach(draw -> draws.add(draw.longValue()));
            waiting.add(draws);
        }
        return new Trainer.State(
                node.path("iteration").longValue(),
                node.path("version").longValue(),
                node.path("next_draw").longValue(),
                node.path("updates").longValue(),
                waiting,
                node.path("iterations_without_signal").intValue());
    }

    @Override
    public void close() {
        trainer.close();
        journal.close();
        metrics.close();
    }
}

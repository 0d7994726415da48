package org.minpro.run;

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
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import org.minpro.dist.Collectives;
import org.minpro.experience.BatchSource;
import org.minpro.experience.EntryBytes;
import org.minpro.experience.RefusedRewardException;
import org.minpro.experience.RewardFailure;
import org.minpro.experience.ScoredGroup;
import org.minpro.model.Parameters;
import org.minpro.recipe.Recipe;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;
import org.minpro.tensor.Scope;
import org.minpro.train.EntropyTarget;
import org.minpro.train.Learner;
import org.minpro.train.LearnerReport;
import org.minpro.train.NonFiniteUpdateException;
import org.minpro.train.Policy;
import org.minpro.train.Update;
import org.minpro.train.WholeState;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A run in its folder: the trainer, its journal, its metrics and its checkpoints.
 *
 * <p>Whatever happens to the process, opening the run again and going on gives the bytes that it would have given
 * uninterrupted: a checkpoint holds the state between two iterations, the journal every rollout that had ended.
 */
public final class TrainingRun implements AutoCloseable {
    /** Iterations without any difference in reward after which a person is told. */
    static final int DULL_ITERATIONS = 5;

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private static final String FROZEN = "frozen_sha256";
    private static final String REFERENCE = "reference_sha256";
    private static final String TOKENS = "tokens_bytes";

    private final RunFolder folder;
    private final Recipe recipe;
    private final RunResources resources;
    private final Trainer trainer;
    /** Of this rank where it owns the run's folder, else null. */
    private final @Nullable JournalFile journal;
    /** What the first rank's journal had, on the others; else null. */
    private final @Nullable KnownJournal known;

    private final Collectives ranks;
    private final @Nullable ReferenceJournal referenceJournal;
    private final MetricsFile metrics;
    private final TokensFile tokens;
    private final Checkpoints checkpoints;
    private final RunListener listener;
    private final RunChecks checks = new RunChecks();
    private final OpenResources opened = new OpenResources();
    private long sentBefore;
    private boolean warnedOfGradient;
    private boolean unchanged;
    private volatile boolean stopping;

    private TrainingRun(
            RunFolder folder, Recipe recipe, RunResources resources, Checkpoints checkpoints, RunListener listener) {
        this.folder = folder;
        this.recipe = recipe;
        this.resources = resources;
        this.checkpoints = checkpoints;
        this.listener = listener;
        ranks = resources.ranks().learning();
        try {
            Policy policy = resources.policy();
            Checkpoints.Checkpoint newest =
                    ranks.isFirst() ? checkpoints.newest(listener::notice).orElse(null) : null;
            JsonNode stored = ofFirst(newest);
            Trainer.State state = stored == null ? Trainer.State.initial(policy.version()) : state(stored);
            long oldestDraw = state.source().oldestDraw();
            journal = ranks.isFirst() ? opened.add(JournalFile.open(folder.journal(), oldestDraw)) : null;
            if (journal != null) {
                journal.damaged().forEach(line -> listener.notice("warning: a damaged line is left out: " + line));
            }
            known = ranks.isAlone() ? null : shared(journal);
            metrics =
                    opened.add(MetricsFile.open(folder.metrics(), state.source().iteration()));
            // What they found before was said then.
            MetricsFile.read(folder.metrics(), checks::next);
            tokens = opened.add(TokensFile.open(
                    folder.tokens(),
                    stored == null ? 0L : stored.path(TOKENS).longValue(0),
                    recipe.seed(),
                    ranks.isFirst() ? recipe.record().rows() : 0));
            forgetSamples(folder.samples(), state.source().iteration());
            ReferenceModel reference = resources.reference();
            referenceJournal = reference == null || !ranks.isFirst()
                    ? null
                    : opened.add(ReferenceJournal.open(
                            folder.reference(), state.source().iteration(), oldestDraw));
            trainer = opened.add(Trainer.of(
                    recipe,
                    resources,
                    Objects.requireNonNull(journal != null ? journal : known),
                    referenceJournal,
                    reference == null ? List.of() : before(referenceJournal)));
            if (stored != null) {
                policy.requireFrozen(stored.path(FROZEN).stringValue(""), folder.recipe());
                load(newest);
                if (reference != null) {
                    requireReference(reference, stored.path(REFERENCE).stringValue(""));
                    reference.restore(newest, ranks);
                }
            }
            trainer.begin(state);
            policy.shareOut(ranks);
            if (reference != null) {
                reference.shareOut(ranks);
            }
        } catch (RuntimeException | Error e) {
            opened.closeAfter(e);
            throw e;
        }
    }

    /** The state of the checkpoint that the first rank found; null where there is none. */
    private @Nullable JsonNode ofFirst(Checkpoints.@Nullable Checkpoint newest) {
        if (ranks.isAlone()) {
            return newest == null ? null : newest.state();
        }
        byte[] state = newest == null ? new byte[0] : newest.state().toString().getBytes(StandardCharsets.UTF_8);
        byte[] received = ranks.ofFirst("the state of the run", state);
        return received.length == 0 ? null : JSON.readTree(received);
    }

    /** What the first rank's journal has, on all ranks. */
    private KnownJournal shared(@Nullable JournalFile own) {
        byte[] entries = own == null ? new byte[0] : EntryBytes.of(own.known());
        return new KnownJournal(EntryBytes.read(ranks.ofFirst("the journal", entries)));
    }

    /** What the reference model has said before, on all ranks. */
    private List<ReferenceJournal.Entry> before(@Nullable ReferenceJournal own) {
        List<ReferenceJournal.Entry> entries = own == null ? List.of() : own.read();
        return ranks.isAlone()
                ? entries
                : ReferenceJournal.Entry.of(
                        ranks.ofFirst("the reference's journal", ReferenceJournal.Entry.bytes(entries)));
    }

    /** @param newest read on the first rank; null on the others, which get it from there */
    private void load(Checkpoints.@Nullable Checkpoint newest) {
        Parameters master = resources.policy().beginUpdate();
        if (newest != null) {
            newest.load(master.trainableNamed(), stored -> {
                shareWeights(master);
                trainer.learner().restoreOptimizer(stored);
            });
        } else {
            shareWeights(master);
            trainer.learner().restoreOptimizer(name -> {
                throw new IllegalStateException("the first rank alone reads a checkpoint");
            });
        }
    }

    private void shareWeights(Parameters master) {
        master.trainable().values().forEach(tensor -> ranks.broadcast("the weights", tensor, 0));
    }

    private void requireReference(ReferenceModel reference, String sha256) {
        if (!reference.sha256().equals(sha256)) {
            throw new IllegalStateException("the reference model must be the one that the run began with, got: another;"
                    + " restore the folder that kl.reference, or model.path, names in " + folder.recipe());
        }
    }

    /** Opens a run: from its newest checkpoint where the folder has one, else from the policy as it is. */
    public static TrainingRun open(RunFolder folder, Recipe recipe, RunResources resources, RunListener listener) {
        Checkpoints checkpoints =
                new Checkpoints(folder.checkpoints(), recipe.checkpoints().keep());
        return new TrainingRun(folder, recipe, resources, checkpoints, listener);
    }

    public Trainer trainer() {
        return trainer;
    }

    /** The file that each iteration is recorded in. */
    MetricsFile metrics() {
        return metrics;
    }

    /** The newest checkpoint; empty before the first one. */
    Optional<Checkpoints.Checkpoint> newest() {
        return checkpoints.newest(listener::notice);
    }

    /** The next iteration. */
    public long iteration() {
        return trainer.iteration();
    }

    /** Asks the run to stop at the next safe point; from any thread. */
    public void stop() {
        stopping = true;
        resources.engine().cancel();
        resources.scoring().cancel();
    }

    /**
     * Goes on until the last iteration or until it is asked to stop; either way a checkpoint is saved.
     *
     * @return whether all iterations are done
     * @throws TooManyUndecidedException where more responses of an iteration are undecided than allowed; the run is saved
     * @throws SavedRunException where the reward is refused; the run is saved
     * @throws IllegalStateException where an update or the weights after it are not finite; what was saved before it stays
     */
    public boolean run() {
        try {
            while (!trainer.finished() && !isStopping()) {
                IterationReport report = trainer.iterate(new Recording(iteration()));
                record(report);
                requireDecided(report);
                if (recipe.checkpoints().isDue(iteration())) {
                    save();
                }
            }
        } catch (CancellationException e) {
            if (!stopping && ranks.isAlone()) {
                throw e;
            }
            stopping = true;
        } catch (RefusedRewardException e) {
            throw stoppedBy(e);
        } catch (NonFiniteUpdateException e) {
            throw FailedUpdate.saved(e, folder.path());
        }
        save();
        unchanged = trainer.finished()
                && trainer.learner().state().updates() > 0
                && trainer.learner().isUnchanged();
        if (unchanged) {
            listener.notice("0 of " + trainer.learner().state().updates()
                    + " updates took a step: the model is unchanged. All responses of each group had the same reward, or"
                    + " none could be judged, or every gradient was 0; reward, reward_std and undecided in "
                    + folder.metrics() + " say which");
        }
        return trainer.finished();
    }

    /** Whether any rank was asked to stop: they all stop at the same place. */
    private boolean isStopping() {
        stopping = ranks.any("whether to stop", stopping);
        return stopping;
    }

    /** Whether {@link #run} came to the last iteration, updates were due, and none of them changed the weights. */
    boolean isUnchanged() {
        return unchanged;
    }

    /** Saves a run that its reward stops; returns what to throw. */
    SavedRunException stoppedBy(RefusedRewardException refused) {
        save();
        return new SavedRunException(
                refused.getMessage() + ". The run is saved: fix the reward, and continue it", refused.getCause());
    }

    private void record(IterationReport report) {
        Map<String, Double> time = new LinkedHashMap<>();
        time.put("sampling_seconds", report.samplingSeconds());
        time.put("waiting_seconds", report.waitedSeconds());
        time.put("training_seconds", report.trainingSeconds());
        time.put("sampled_tokens_per_second", report.sampledTokens() / report.samplingSeconds());
        time.put("trained_tokens_per_second", report.trainedTokens() / report.trainingSeconds());
        time.put("resident_bytes", (double) Scope.residentBytes());
        if (!ranks.isAlone()) {
            long sent = resources.ranks().sentBytes();
            time.put("sent_bytes", (double) (sent - sentBefore));
            sentBefore = sent;
        }
        metrics.append(
                report.iteration(),
                report.metrics().named(),
                report.metrics()
                        .learned()
                        .map(learned -> learned.each().stream()
                                .map(LearnerReport.OfUpdate::metrics)
                                .toList())
                        .orElse(List.of()),
                time);
        if (ranks.isFirst()) {
            writeSamples(report);
        }
        listener.iterationFinished(report);
        int withoutGradient =
                report.metrics().learned().map(LearnerReport::withoutGradient).orElse(0);
        if (withoutGradient > 0 && !warnedOfGradient) {
            warnedOfGradient = true;
            listener.notice(
                    "warning: the gradient of " + withoutGradient + " updates of iteration " + report.iteration()
                            + " has norm 0: they teach nothing (a loss whose tokens are all clipped or of weight 0); the mean over"
                            + " an iteration is grad_norm in " + folder.metrics());
        }
        if (report.metrics().rollouts().iterationsWithoutSignal() == DULL_ITERATIONS
                && !recipe.learnsWithoutDifference()) {
            listener.notice("nothing to learn: " + whyNothing(report));
        }
        for (RunChecks.Finding finding :
                checks.next(report.iteration(), report.metrics().named())) {
            // Where no group has a difference more is said above, and some losses need none.
            if (finding.kind() != RunChecks.Kind.ZERO_SIGNAL
                    || report.metrics().rollouts().iterationsWithoutSignal() < DULL_ITERATIONS
                            && !recipe.learnsWithoutDifference()) {
                listener.notice("warning: " + finding.line(RunChecks.shown(finding.example(), report.fresh())));
            }
        }
    }

    private static String whyNothing(IterationReport report) {
        OptionalDouble reward = report.metrics().rollouts().reward();
        if (reward.isEmpty()) {
            return "for " + DULL_ITERATIONS + " iterations no group had two responses that could be judged: "
                    + Undecided.of(report.fresh()).reasons();
        }
        return "for " + DULL_ITERATIONS + " iterations all responses of every group had the same reward (mean "
                + reward.getAsDouble()
                + "); advantages compare responses of one group. Problems of another difficulty, a larger"
                + " group-size or a reward with parts would give a signal";
    }

    /** Saves the run and stops it where more responses are undecided than allowed. */
    private void requireDecided(IterationReport report) {
        if (report.metrics().rollouts().undecided() > recipe.maxUndecided()) {
            save();
            RewardFailure first = resources.scoring().firstFailure();
            throw new TooManyUndecidedException(undecided(report), first == null ? null : first.cause());
        }
    }

    private String undecided(IterationReport report) {
        Undecided undecided = Undecided.of(report.fresh());
        return "the share of undecided responses must be at most max-undecided (" + recipe.maxUndecided() + "), got: "
                + undecided.count() + " of " + undecided.responses() + " in iteration " + report.iteration() + ": "
                + undecided.reasons()
                + ". The run is saved: fix the reward or the references, or raise max-undecided in "
                + folder.recipe() + ", and continue it";
    }

    /** The first group of the iteration with its prompt, for people. */
    private void writeSamples(IterationReport report) {
        ScoredGroup group = report.fresh().getFirst();
        StringBuilder text = new StringBuilder();
        text.append("== iteration " + report.iteration() + ", draw " + group.draw() + ": ")
                .append(group.problem().id())
                .append("\n-- prompt\n")
                .append(resources.prompts().text(group.problem()))
                .append('\n');
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
        Policy policy = resources.policy();
        policy.requireFiniteWeights(resources.workers(), "before iteration " + iteration(), folder.recipe());
        if (journal != null) {
            journal.force();
        }
        if (referenceJournal != null) {
            referenceJournal.force();
        }
        metrics.force();
        tokens.force();
        Trainer.State state = trainer.state();
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("iteration", state.source().iteration());
        values.put("version", state.learner().version());
        values.put("next_draw", state.source().nextDraw());
        values.put("updates", state.learner().updates());
        values.put("optimizer_steps", state.learner().optimizerSteps());
        values.put("waiting", state.source().waiting());
        values.put("iterations_without_signal", state.withoutSignal());
        values.put(TOKENS, tokens.bytes());
        EntropyTarget.State entropy = state.learner().entropy();
        if (entropy != null) {
            values.put("entropy_coefficient", entropy.coefficient());
            values.put("entropy_below", entropy.below());
        }
        if (!policy.frozenSha256().isEmpty()) {
            values.put(FROZEN, policy.frozenSha256());
        }
        ReferenceModel reference = resources.reference();
        if (reference != null && !reference.sha256().isEmpty()) {
            values.put(REFERENCE, reference.sha256());
        }
        try (WholeState whole = trainer.learner().wholeState(reference == null ? null : reference.mean())) {
            if (ranks.isFirst()) {
                checkpoints.save(
                        iteration(), whole.weights(), whole.optimizer(), whole.reference(), Checkpoints.state(values));
            } else {
                whole.give();
            }
        }
        if (journal != null) {
            journal.forgetBefore(state.source().oldestDraw());
        }
        if (known != null) {
            known.forgetBefore(state.source().oldestDraw());
        }
        RunFailure.overcome(folder.path());
    }

    private static Trainer.State state(JsonNode node) {
        List<List<Long>> waiting = new ArrayList<>();
        for (JsonNode batch : node.path("waiting")) {
            List<Long> draws = new ArrayList<>();
            batch.forEach(draw -> draws.add(draw.longValue()));
            waiting.add(draws);
        }
        return new Trainer.State(
                new BatchSource.State(
                        node.path("iteration").longValue(),
                        node.path("next_draw").longValue(),
                        waiting),
                new Learner.State(
                        node.path("updates").longValue(),
                        node.path("optimizer_steps").longValue(),
                        node.path("version").longValue(),
                        node.has("entropy_coefficient")
                                ? new EntropyTarget.State(
                                        node.path("entropy_coefficient").doubleValue(),
                                        node.path("entropy_below").booleanValue())
                                : null),
                node.path("iterations_without_signal").intValue());
    }

    @Override
    public void close() {
        opened.close();
    }

    /** Writes the tokens of an update down before the listener hears of it. */
    private final class Recording implements RunListener {
        private final long iteration;

        Recording(long iteration) {
            this.iteration = iteration;
        }

        @Override
        public void rolloutFinished(Rollout rollout) {
            listener.rolloutFinished(rollout);
        }

        @Override
        public void updated(int ordinal, Update update) {
            tokens.append(iteration, ordinal, update);
            listener.updated(ordinal, update);
        }

        @Override
        public void updateFinished(int update, int updates) {
            listener.updateFinished(update, updates);
        }
    }
}

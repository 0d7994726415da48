package org.minpro.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.minpro.advantage.Response;
import org.minpro.advantage.TokenAdvantages;
import org.minpro.dist.Collectives;
import org.minpro.experience.Async;
import org.minpro.experience.AsynchronousSource;
import org.minpro.experience.Batch;
import org.minpro.experience.BatchSource;
import org.minpro.experience.GroupCollector;
import org.minpro.experience.Journal;
import org.minpro.experience.ScoredGroup;
import org.minpro.experience.SynchronousSource;
import org.minpro.model.PolicyVersion;
import org.minpro.objective.LogProbStream;
import org.minpro.recipe.KlSection;
import org.minpro.recipe.Recipe;
import org.minpro.rollout.Rescored;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.SamplingParams;
import org.minpro.tensor.Philox;
import org.minpro.train.Learner;
import org.minpro.train.LearnerReport;
import org.minpro.train.PolicyGradient;
import org.minpro.train.TrainingRow;

/**
 * A batch source and a learner: trains a policy on groups that may be older than it.
 *
 * <p>An iteration takes the batch that is due, makes rows of it, learns from them and publishes the new version.
 */
public final class Trainer implements AutoCloseable {
    private final Recipe recipe;
    private final BatchSource source;
    private final Learner learner;
    private final @Nullable ReferenceLogProbs reference;
    private final SamplingLogProbs sampling;
    private int withoutSignal;

    Trainer(
            Recipe recipe,
            BatchSource source,
            Learner learner,
            @Nullable ReferenceLogProbs reference,
            @Nullable Rescored rescored) {
        this.sampling = new SamplingLogProbs(rescored);
        this.recipe = recipe;
        this.source = source;
        this.learner = learner;
        this.reference = reference;
    }

    /**
     * The trainer of a recipe; {@link #begin} says where it begins.
     *
     * @param journal keeps every rollout; a run that goes on finds in it what waits
     * @param reference keeps what the reference model says of them, where there is one; null for a run that is not to be
     *     continued
     */
    static Trainer of(Recipe recipe, RunResources resources, Journal journal, @Nullable ReferenceJournal reference) {
        return of(recipe, resources, journal, reference, reference == null ? List.of() : reference.read());
    }

    /** @param before what the reference model has said of rollouts before */
    static Trainer of(
            Recipe recipe,
            RunResources resources,
            Journal journal,
            @Nullable ReferenceJournal reference,
            List<ReferenceJournal.Entry> before) {
        SamplingParams sampling = recipe.sampling().params(resources.model().eosIds());
        long fitting = Positions.of(recipe.model(), resources.model()).longestPrompt(sampling.maxNewTokens());
        GroupCollector collector = new GroupCollector(
                resources.engine(),
                resources.problems(),
                resources.prompts(),
                resources.scoring(),
                journal,
                resources.continuations(),
                new GroupCollector.Settings(
                        recipe.groupsPerIteration(),
                        recipe.groupSize(),
                        (int) Math.min(recipe.prompts().maxTokens(), fitting),
                        recipe.resampleLimit(),
                        sampling,
                        recipe.advantage()),
                resources.ranks().sampling());
        Collectives learning = resources.ranks().learning();
        PolicyGradient.Settings gradient = new PolicyGradient.Settings(
                recipe.compute().lanes(), recipe.compute().microBatchTokens(), sampling.reportedTemperature());
        Learner.Settings settings = new Learner.Settings(
                recipe.loss(),
                recipe.optimizer(),
                recipe.updates(),
                gradient,
                true,
                recipe.entropy().follows(),
                recipe.entropy().coefficient());
        BatchSource source = recipe.staleness() instanceof Async async
                ? new AsynchronousSource(
                        resources.engine(), collector, async, recipe.updatesOfIteration(), recipe.iterations())
                : new SynchronousSource(resources.engine(), collector, recipe.staleness(), recipe.seed());
        ReferenceModel model = resources.reference();
        return new Trainer(
                recipe,
                source,
                new Learner(
                        resources.policy(),
                        settings,
                        resources.workers(),
                        learning,
                        recipe.ranks().reduce()),
                model == null
                        ? null
                        : new ReferenceLogProbs(
                                model, new PolicyGradient(gradient, resources.workers(), learning), reference, before),
                resources.rescored());
    }

    /**
     * Everything but weights and optimizer that a run needs to continue.
     *
     * @param source where the batch source stands
     * @param learner where the learner stands
     * @param withoutSignal iterations in a row, up to now, without any difference in reward
     */
    public record State(BatchSource.State source, Learner.State learner, int withoutSignal) {
        /** Before the first iteration. */
        static State initial(long version) {
            return new State(new BatchSource.State(0, 0, List.of()), new Learner.State(0, 0, version), 0);
        }
    }

    public boolean finished() {
        return iteration() >= recipe.iterations();
    }

    /** The next iteration. */
    public long iteration() {
        return source.state().iteration();
    }

    public Learner learner() {
        return learner;
    }

    public State state() {
        return new State(source.state(), learner.state(), withoutSignal);
    }

    /**
     * Begins at a state: that of a new run, or that of a checkpoint whose weights and optimizer tensors have been read. The
     * journal has the rollouts that wait.
     */
    public void begin(State state) {
        withoutSignal = state.withoutSignal();
        learner.restore(state.learner());
        source.restore(state.source());
        publish();
    }

    /** One rollout phase and its updates. */
    public IterationReport iterate(RunListener listener) {
        if (finished()) {
            throw new IllegalStateException("a run has " + recipe.iterations() + " iterations, all done");
        }
        Batch batch = source.next(listener::rolloutFinished);
        long start = System.nanoTime();
        RolloutMetrics rollouts = RolloutMetrics.of(batch, recipe.advantage(), withoutSignal);
        sampling.take(batch.fresh());
        Optional<Mismatch> mismatch = mismatch(batch);
        if (reference != null) {
            reference.score(batch.iteration(), batch.fresh());
            reference.score(batch.iteration(), batch.due());
        }
        Optional<LearnerReport> learned =
                batch.due().isEmpty() ? Optional.empty() : Optional.of(learner.learn(rowsOfUpdates(batch), listener));
        OptionalDouble distance = distance(batch.due());
        if (reference != null && learned.isPresent()) {
            reference.learned(learner.policy(), source.state().oldestDraw());
        }
        sampling.forgetBefore(source.state().oldestDraw());
        publish();
        withoutSignal = rollouts.iterationsWithoutSignal();
        return new IterationReport(
                batch.iteration(),
                new IterationMetrics(
                        rollouts, mismatch, distance, learned, learner.policy().version()),
                batch.fresh(),
                batch.seconds(),
                batch.waitedSeconds(),
                (System.nanoTime() - start) / 1e9,
                batch.sampledTokens(),
                recipe.epochs()
                        * batch.due().stream()
                                .mapToLong(ScoredGroup::responseTokens)
                                .sum());
    }

    /** At the weights that sampled: those that servers sampled from may be others than the present ones. */
    private Optional<Mismatch> mismatch(Batch batch) {
        Optional<Mismatch> found = sampling.mismatch(batch.fresh());
        return found.isPresent() ? found : Mismatch.of(batch.fresh(), learner, recipe.seed());
    }

    private void publish() {
        try (PolicyVersion version = learner.policy().holdVersion()) {
            source.publish(version);
        }
    }

    /** Groups that wait to be trained on; when the last iteration is done, they never are. */
    public int waitingGroups() {
        return source.waiting();
    }

    /**
     * The rows of each update: its share of the groups in their order, then in that of the next pass, with advantages that may
     * look at all that is due.
     */
    private List<List<TrainingRow>> rowsOfUpdates(Batch batch) {
        List<ScoredGroup> due = batch.due();
        List<TokenAdvantages> advantages =
                recipe.advantage().of(due.stream().map(this::responses).toList());
        int groupsOfUpdate = recipe.groupsPerIteration() / recipe.updatesPerIteration();
        List<List<TrainingRow>> updates = new ArrayList<>();
        for (int epoch = 0; epoch < recipe.epochs(); epoch++) {
            int[] order = order(batch, epoch);
            for (int first = 0; first < order.length; first += groupsOfUpdate) {
                List<TrainingRow> ofUpdate = new ArrayList<>();
                for (int place = first; place < first + groupsOfUpdate; place++) {
                    ofUpdate.addAll(rows(due.get(order[place]), advantages.get(order[place])));
                }
                updates.add(ofUpdate);
            }
        }
        return updates;
    }

    /** The order of one pass over what is due: the first takes it as it comes, each other one in an order of its own. */
    private int[] order(Batch batch, int epoch) {
        int groups = batch.due().size();
        return epoch == 0
                ? IntStream.range(0, groups).toArray()
                : Philox.permutation(groups, recipe.seed(), Philox.Purpose.EPOCH, batch.iteration(), epoch);
    }

    private List<TrainingRow> rows(ScoredGroup group, TokenAdvantages advantages) {
        List<TrainingRow> rows = new ArrayList<>();
        for (int i = 0; i < group.rollouts().size(); i++) {
            Rollout rollout = group.rollouts().get(i);
            boolean counted =
                    advantages.counted()[i] && !(recipe.maskTruncated() && rollout.finish() == Rollout.Finish.LENGTH);
            TrainingRow row =
                    counted ? TrainingRow.of(rollout, advantages.values().get(i)) : TrainingRow.leftOut(rollout);
            TrainingRow scored = sampling.with(row, rollout);
            rows.add(reference == null ? scored : scored.with(LogProbStream.REFERENCE, reference.of(rollout)));
        }
        return rows;
    }

    /** What advantages are made of: the scores, less the distance from the reference where that is a part of the reward. */
    private List<Response> responses(ScoredGroup group) {
        KlSection kl = recipe.kl();
        return reference != null && kl.inReward()
                ? group.withScores(reference.penalised(group, kl.estimator(), kl.coefficient()))
                        .responses()
                : group.responses();
    }

    /** Mean over the responses of the distance that is a part of the reward; empty where there is none. */
    private OptionalDouble distance(List<ScoredGroup> groups) {
        if (reference == null || !recipe.kl().inReward()) {
            return OptionalDouble.empty();
        }
        return groups.stream()
                .flatMap(group -> group.rollouts().stream())
                .mapToDouble(rollout -> reference.distance(rollout, recipe.kl().estimator()))
                .average();
    }

    @Override
    public void close() {
        source.close();
        learner.close();
    }
}

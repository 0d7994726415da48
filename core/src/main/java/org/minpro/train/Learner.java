package org.minpro.train;

import java.util.ArrayList;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.minpro.dist.Collectives;
import org.minpro.objective.EntropyBonus;
import org.minpro.objective.LogProbStream;
import org.minpro.objective.Loss;
import org.minpro.objective.RateScaling;
import org.minpro.tensor.DType;
import org.minpro.tensor.ResidentMemory;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;

/**
 * Turns rows into updates of the policy: gradient, clipping, optimizer step, new version.
 *
 * <p>It does not know where rows come from. An update whose gradient is known to be zero is skipped: its place in the
 * schedule passes, weights and optimizer stay as they are.
 */
public final class Learner implements AutoCloseable {
    /**
     * What is minimised and how.
     *
     * @param loss of an update
     * @param optimizer how a gradient becomes a step
     * @param totalUpdates updates of the whole run, skipped ones included
     * @param gradient how rows go through the model
     * @param entropy whether the entropies of all rows are computed for the report, though the loss may not read them
     * @param entropyTarget what the coefficient of an entropy bonus beside the loss follows, or null where there is none
     * @param entropyCoefficient what that coefficient begins with
     */
    public record Settings(
            Loss loss,
            OptimizerSettings optimizer,
            long totalUpdates,
            PolicyGradient.Settings gradient,
            boolean entropy,
            @Nullable EntropyTarget entropyTarget,
            double entropyCoefficient) {
        /** Without an entropy bonus but for one of the loss. */
        public Settings(
                Loss loss,
                OptimizerSettings optimizer,
                long totalUpdates,
                PolicyGradient.Settings gradient,
                boolean entropy) {
            this(loss, optimizer, totalUpdates, gradient, entropy, null, 0);
        }
    }

    /**
     * Everything but weights and optimizer tensors that a learner needs to continue.
     *
     * @param updates updates that were due so far, skipped ones included: the position in the schedule
     * @param optimizerSteps steps that the optimizer took
     * @param version of the weights
     * @param entropy where the coefficient of an entropy bonus with a target stands; null before the first update and
     *     without a target
     */
    public record State(long updates, long optimizerSteps, long version, EntropyTarget.@Nullable State entropy) {
        /** Without an entropy bonus that has a target, or before the first update. */
        public State(long updates, long optimizerSteps, long version) {
            this(updates, optimizerSteps, version, null);
        }
    }

    private final Policy policy;
    private final Settings settings;
    private final Workers workers;
    private final Ownership ownership;
    private final PolicyGradient gradient;
    private final AdamW optimizer;
    private final ResidentMemory memory = new ResidentMemory();
    private long updates;
    private EntropyTarget.State entropy;

    /** @param workers what lanes, norm and optimizer run on */
    public Learner(Policy policy, Settings settings, Workers workers) {
        this(policy, settings, workers, Collectives.alone(), Reduce.ORDERED);
    }

    /**
     * One of several that learn the same together: each executes its lanes, and keeps and steps what it owns
     * ({@link Ownership}).
     *
     * @param ranks of the run's processes
     * @param reduce how their gradients are added up
     */
    public Learner(Policy policy, Settings settings, Workers workers, Collectives ranks, Reduce reduce) {
        this.policy = policy;
        this.settings = settings;
        this.workers = workers;
        ownership = new Ownership(policy.master().trainable(), ranks);
        gradient = new PolicyGradient(settings.gradient(), workers, ownership, reduce);
        optimizer = new AdamW(settings.optimizer(), policy.master(), ownership);
        entropy = EntropyTarget.initial(settings.entropyCoefficient());
    }

    /**
     * Bytes that exchanging gradients takes at most: what a rank gives and takes at once is a load of each lane
     * ({@link Ownership#LOAD}), and the joined pieces of it.
     *
     * @param lanes of all ranks
     */
    public static long exchangeBytes(int lanes) {
        return 4L * lanes * Ownership.LOAD * DType.F32.bytes();
    }

    /** The loss of the next update. */
    private Loss loss() {
        return settings.entropyTarget() == null || entropy.acting() == 0
                ? settings.loss()
                : settings.loss().with(new EntropyBonus(entropy.acting()));
    }

    /**
     * The updates of an iteration, one on each part. Where the loss reads the proximal policy, that is the policy before
     * the first of them.
     *
     * @param parts the rows of each update, at least one
     * @throws NonFiniteUpdateException before the update that is not finite changes anything
     */
    public LearnerReport learn(List<List<TrainingRow>> parts, UpdateListener listener) {
        List<List<TrainingRow>> scored = parts.stream().map(this::withProximal).toList();
        List<Update> done = new ArrayList<>();
        for (List<TrainingRow> rows : scored) {
            Update update = update(rows);
            done.add(update);
            listener.updated(done.size(), update);
            listener.updateFinished(done.size(), parts.size());
        }
        return LearnerReport.of(done);
    }

    private List<TrainingRow> withProximal(List<TrainingRow> rows) {
        if (!settings.loss().streams().contains(LogProbStream.PROXIMAL)) {
            return rows;
        }
        float[][] logProbs = score(rows);
        List<TrainingRow> scored = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            scored.add(rows.get(i).with(LogProbStream.PROXIMAL, logProbs[i]));
        }
        return scored;
    }

    /**
     * One update.
     *
     * @param rows with the log-probabilities of every policy that the loss reads
     * @throws NonFiniteUpdateException before anything is changed
     */
    public Update update(List<TrainingRow> rows) {
        double rate = settings.optimizer().learningRateAt(updates++, settings.totalUpdates());
        Loss loss = loss();
        if (gradientIsZero(rows, loss)) {
            return new Update(rows, rate, null);
        }
        Update update = step(rows, rate, loss);
        memory.afterStep();
        return update;
    }

    /** Where it is known without computing it. */
    private static boolean gradientIsZero(List<TrainingRow> rows, Loss loss) {
        boolean vanishes = loss.vanishesWithAdvantages();
        for (TrainingRow row : rows) {
            for (int t = 0; t < row.length(); t++) {
                if (row.mask()[t] && (!vanishes || row.advantages()[t] != 0)) {
                    return false;
                }
            }
        }
        return true;
    }

    /** @param scheduled the learning rate of the update's place in the schedule */
    private Update step(List<TrainingRow> rows, double scheduled, Loss loss) {
        long version = policy.version();
        boolean withEntropy = settings.entropy() || settings.entropyTarget() != null;
        try (PolicyGradient.Result result = gradient.compute(policy.model(), version, rows, loss, withEntropy)) {
            double norm = EuclideanNorm.of(result.gradients(), workers, ownership);
            if (!Double.isFinite(result.metrics().loss()) || !Double.isFinite(norm)) {
                throw new NonFiniteUpdateException(
                        "loss and gradient must be finite, got: loss "
                                + result.metrics().loss() + ", gradient norm " + norm + " at version " + version + "; "
                                + culprit(rows, result.scored(), loss),
                        rows);
            }
            double clipNorm = settings.optimizer().gradientClipNorm();
            double scale = clipNorm > 0 && norm > clipNorm ? clipNorm / norm : 1;
            double rate = scheduled * rateFactor(rows, result.scored());
            policy.beginStep();
            try (Scope scope = Scope.open()) {
                optimizer.step(policy.owned(ownership), result.gradients(), rate, scale, workers);
            }
            policy.publish(version + 1, ownership, result.gradients().keySet());
            Update.Step step = new Update.Step(
                    version,
                    settings.entropyTarget() == null ? null : entropy.acting(),
                    result.metrics(),
                    norm,
                    result.scored(),
                    result.routing());
            if (settings.entropyTarget() != null) {
                entropy = settings.entropyTarget().after(entropy, step.meanEntropy(rows));
            }
            return new Update(rows, rate, step);
        }
    }

    /** What the objective makes of the learning rate. */
    private double rateFactor(List<TrainingRow> rows, PolicyGradient.Scored scored) {
        return settings.loss().objective() instanceof RateScaling scaling
                ? scaling.rateFactor(UpdateMetrics.ratios(rows, List.of(scored.logProbs())))
                : 1;
    }

    private String culprit(List<TrainingRow> rows, PolicyGradient.Scored scored, Loss loss) {
        for (int i = 0; i < rows.size(); i++) {
            TrainingRow row = rows.get(i);
            float[] behavior = row.logProbs(LogProbStream.BEHAVIOR);
            for (int t = 0; t < row.length(); t++) {
                if (row.mask()[t]
                        && !(Float.isFinite(scored.logProbs()[i][t])
                                && Float.isFinite(behavior[t])
                                && Double.isFinite(row.advantages()[t]))) {
                    return "first at " + named(rows, i) + ", token " + t + ": log pi " + scored.logProbs()[i][t]
                            + ", log mu " + behavior[t] + ", advantage " + row.advantages()[t];
                }
            }
        }
        double[][] tokenWeights = PolicyGradient.tokenWeights(rows, loss);
        for (int i = 0; i < rows.size(); i++) {
            try (PolicyGradient.Result alone = gradient.compute(
                    policy.model(),
                    policy.version(),
                    List.of(rows.get(i)),
                    loss,
                    new double[][] {tokenWeights[i]},
                    false)) {
                double norm = EuclideanNorm.of(alone.gradients(), workers, ownership);
                if (!Double.isFinite(alone.metrics().loss()) || !Double.isFinite(norm)) {
                    return "first at " + named(rows, i)
                            + ", whose log-probabilities and advantages are finite: alone it has loss "
                            + alone.metrics().loss() + ", gradient norm " + norm;
                }
            }
        }
        return "each row alone is finite: it arose in their sum";
    }

    private static String named(List<TrainingRow> rows, int row) {
        return "row " + row + " (group of draw " + rows.get(row).group() + ")";
    }

    /** log pi_theta of every response token with the weights as they are, a row each, {@code [time]}, nats. */
    public float[][] score(List<TrainingRow> rows) {
        return gradient.score(policy.model(), rows, false).logProbs();
    }

    /** Seconds that an update takes per response token, from the gradient of some rows, which is thrown away. */
    public double secondsPerToken(List<TrainingRow> rows) {
        long tokens = rows.stream().mapToLong(TrainingRow::length).sum();
        long start = System.nanoTime();
        List<TrainingRow> whole = (ownership.ranks().isAlone() ? withProximal(rows) : rows)
                .stream().map(this::withAnyLogProbs).toList();
        // By this process alone, whoever else is there.
        new PolicyGradient(settings.gradient(), workers)
                .compute(policy.model(), policy.version(), whole, settings.loss(), settings.entropy())
                .close();
        return (System.nanoTime() - start) / 1e9 / tokens;
    }

    /** Where nobody looks at the gradient, one policy is as good as another. */
    private TrainingRow withAnyLogProbs(TrainingRow row) {
        TrainingRow whole = row;
        for (LogProbStream stream : settings.loss().streams()) {
            if (!row.logProbs().containsKey(stream)) {
                whole = whole.with(stream, row.logProbs(LogProbStream.BEHAVIOR));
            }
        }
        return whole;
    }

    public Policy policy() {
        return policy;
    }

    public State state() {
        return new State(
                updates, optimizer.steps(), policy.version(), settings.entropyTarget() == null ? null : entropy);
    }

    /** Continues from a state; weights and {@link #optimizerState} are restored by the caller before. */
    public void restore(State state) {
        updates = state.updates();
        entropy = state.entropy() != null ? state.entropy() : EntropyTarget.initial(settings.entropyCoefficient());
        optimizer.setSteps(state.optimizerSteps());
        policy.publish(state.version());
    }

    /** Whether no update so far changed anything: none took a step, or every step's gradient was 0 without any decay. */
    public boolean isUnchanged() {
        if (optimizer.steps() == 0) {
            return true;
        }
        return settings.optimizer().weightDecay() == 0
                && !ownership
                        .ranks()
                        .any("whether anything changed", EuclideanNorm.of(optimizer.state(), workers) != 0);
    }

    /** The optimizer's tensors by name; of several processes, the elements that this one owns. */
    public SequencedMap<String, Tensor> optimizerState() {
        return optimizer.state();
    }

    /**
     * What a checkpoint stores of weights and optimizer; several processes call this together, and all but the first then
     * {@linkplain WholeState#give give} what that one asks for.
     *
     * @param reference what a mean of the weights is kept in, or null
     */
    public WholeState wholeState(@Nullable Policy reference) {
        return new WholeState(ownership, policy, optimizer.state(), reference);
    }

    /**
     * Overwrites the optimizer's tensors with stored ones; of several processes, which call this together, the first one reads
     * them for all.
     *
     * @param stored a tensor of the parameter's shape, by the names of {@link WholeState#optimizer}
     */
    public void restoreOptimizer(Function<String, Tensor> stored) {
        WholeState.restore(optimizer.state(), ownership, stored);
    }

    @Override
    public void close() {
        optimizer.close();
    }
}

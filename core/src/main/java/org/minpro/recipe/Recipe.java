package org.minpro.recipe;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.minpro.advantage.Advantage;
import org.minpro.advantage.Advantages;
import org.minpro.advantage.GroupDecoupled;
import org.minpro.advantage.GroupRelative;
import org.minpro.config.Binder;
import org.minpro.config.Doc;
import org.minpro.config.NamedRecords;
import org.minpro.config.Rule;
import org.minpro.config.Settings;
import org.minpro.config.ShortForm;
import org.minpro.environment.Environment;
import org.minpro.environment.Environments;
import org.minpro.environment.TurnLimits;
import org.minpro.experience.Async;
import org.minpro.experience.Delayed;
import org.minpro.experience.Replay;
import org.minpro.experience.Scoring;
import org.minpro.experience.Simulated;
import org.minpro.experience.Staleness;
import org.minpro.experience.StalenessProtocols;
import org.minpro.model.ModelConfig;
import org.minpro.model.ParameterSelection;
import org.minpro.model.Parameters;
import org.minpro.objective.Aggregation;
import org.minpro.objective.Anchor;
import org.minpro.objective.Correction;
import org.minpro.objective.Corrections;
import org.minpro.objective.EntropyBonus;
import org.minpro.objective.KlPenalty;
import org.minpro.objective.LogProbStream;
import org.minpro.objective.Loss;
import org.minpro.objective.LossPart;
import org.minpro.objective.MinPro;
import org.minpro.objective.Objective;
import org.minpro.objective.Objectives;
import org.minpro.objective.Penalties;
import org.minpro.objective.Penalty;
import org.minpro.reward.MathReward;
import org.minpro.reward.Reward;
import org.minpro.reward.Rewards;
import org.minpro.reward.WeightedReward;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.rollout.Sampling;
import org.minpro.rollout.served.RolloutSettings;
import org.minpro.task.ArithmeticReward;
import org.minpro.task.CountdownReward;
import org.minpro.tool.Toolboxes;
import org.minpro.tracker.Tracker;
import org.minpro.tracker.Trackers;
import org.minpro.train.ComputeSettings;
import org.minpro.train.OptimizerSettings;

/** Everything {@code minpro train} can be told; the defaults are its run without arguments. */
public record Recipe(
        @Doc("Seed of everything random: problems, sampling, order.")
        long seed,

        @Doc("The model to train.") ModelSection model,

        @Doc("A low-rank adapter that is trained in place of the model's own weights; docs/adapters.md.")
        AdapterSection adapter,

        @Doc("The problems.") DataSection data,
        @Doc("How prompts are put to the model.") PromptSection prompts,

        @Doc("What scores a response; its parameters are those of docs/rewards.md. null takes that of the built-in"
                + " task, and math for files.")
        @Nullable Reward reward,

        @Doc("What answers a response's turns, such as {name: guess-the-number}; its parameters are those of"
                + " docs/environments.md. null takes that of the built-in task, and none for files.")
        @Nullable Environment environment,

        @Doc("What bounds the episodes of an environment.") TurnLimits turns,

        @Doc("Time that the reward has for one response, seconds, > 0; an http reward's own budget comes on top. A"
                + " response that takes longer is undecided, and after 16 of them the run is saved and stops.")
        double rewardBudgetSeconds,

        @Doc("Share of an iteration's responses that may be undecided, [0, 1]; the run is saved and stops beyond it. 1"
                + " never stops.")
        double maxUndecided,

        @Doc("How responses are sampled.") Sampling sampling,
        @Doc("Who samples them; docs/served.md.") RolloutSettings rollout,
        @Doc("Rollout phases of the run.") int iterations,

        @Doc("Problems sampled in an iteration; a multiple of updates-per-iteration.")
        int groupsPerIteration,

        @Doc("Responses sampled to each problem, >= 2.") int groupSize,

        @Doc("How old rollouts are when they are trained on; its parameters are those of docs/staleness.md. lag: N is"
                + " short for {name: delayed, lag: N}.")
        @ShortForm(name = "lag", of = Delayed.class)
        Staleness staleness,

        @Doc("Optimizer steps in a pass over a batch, each on its own part of the groups.")
        int updatesPerIteration,

        @Doc("Passes over a batch, each in a seeded order of its own; the first in the order of the draws.")
        int epochs,

        @Doc("Groups without any difference in reward that are replaced by new draws in an iteration, at most; 0"
                + " replaces none.")
        int resampleLimit,

        @Doc("The loss; its parameters are those of docs/objectives.md.")
        Objective objective,

        @Doc("What multiplies the objective's losses, such as [tis] or [{name: tis, cap: 3}].")
        List<Correction> corrections,

        @Doc("What is added to the loss, such as [kl] or [{name: kl, coefficient: 0.01}].")
        List<Penalty> penalties,

        @Doc("Distance from a reference model.") KlSection kl,
        @Doc("Bonus for the entropy of the policy.") EntropySection entropy,

        @Doc(
                "Whether no token of a response that sampling.max-new-tokens cut off is learnt from; its reward still counts in"
                        + " its group (DAPO's overlong filtering).")
        boolean maskTruncated,

        @Doc("How a group's rewards become advantages.") Advantage advantage,

        @Doc("How token losses become one number; null takes the objective's own, else token-mean.")
        Aggregation.@Nullable Mode aggregation,

        @Doc("Divisor of aggregation constant-length, tokens; 0 takes the longest row.")
        int aggregationLength,

        @Doc("Denominator of the ratios: the policy that sampled, or the one at the start of the iteration's updates"
                + " (which hides staleness).")
        Anchor anchor,

        @Doc("AdamW.") OptimizerSettings optimizer,
        @Doc("How the work is cut.") ComputeSettings compute,

        @Doc("How several processes train together; docs/scale.md.")
        RanksSection ranks,

        @Doc("Accuracy on held-out problems.") EvaluationSection evaluation,
        @Doc("When the run is saved.") CheckpointSection checkpoints,
        @Doc("What is written down of single tokens.") RecordSection record,

        @Doc("Where the numbers go beside the run's folder, such as [tensorboard] or [{name: mlflow, url:"
                + " 'http://127.0.0.1:5000'}]; docs/trackers.md.")
        List<Tracker> trackers,

        @Doc("Folder in which each run gets a numbered folder of its own.")
        Path runs) {

    /** Twice the age, in updates, at which prime-rl, open-instruct and AReaL stop by default (8). */
    private static final long USUAL_AGE = 16;

    /** A day. */
    private static final double LONGEST_BUDGET_SECONDS = 86_400;

    private static final NamedRecords<Reward> REWARDS = Rewards.table()
            .with(new NamedRecords.Entry<>(
                    "arithmetic", ArithmeticReward.class, "whether a sum of the built-in task is right"))
            .with(new NamedRecords.Entry<>(
                    "countdown", CountdownReward.class, "whether an attempt of the built-in task makes the target"));

    /**
     * What the rows of a run can have: the sampler's log-probabilities, those that the learner computes, and those of the
     * reference model.
     */
    private static final Set<LogProbStream> THERE =
            EnumSet.of(LogProbStream.BEHAVIOR, LogProbStream.PROXIMAL, LogProbStream.REFERENCE);

    public Recipe {
        adapter.requireAlone(model);
        Rule.positive("iterations", iterations);
        Rule.positive("groups-per-iteration", groupsPerIteration);
        Rule.check(groupSize >= 2, "group-size", ">= 2 (advantages compare the responses of a group)", groupSize);
        Rule.positive("updates-per-iteration", updatesPerIteration);
        Rule.check(
                groupsPerIteration % updatesPerIteration == 0,
                "updates-per-iteration",
                "a divisor of groups-per-iteration (" + groupsPerIteration + ")",
                updatesPerIteration);
        Rule.positive("epochs", epochs);
        requireTogether(staleness, iterations, groupsPerIteration);
        Rule.share("max-undecided", maxUndecided);
        Rule.check(
                rewardBudgetSeconds > 0 && rewardBudgetSeconds <= LONGEST_BUDGET_SECONDS,
                "reward-budget-seconds",
                "in (0, " + (long) LONGEST_BUDGET_SECONDS + "]",
                rewardBudgetSeconds);
        requireServed(rollout, sampling);
        Rule.notNegative("resample-limit", resampleLimit);
        Rule.notNegative("aggregation-length", aggregationLength);
        corrections = List.copyOf(corrections);
        penalties = List.copyOf(penalties);
        trackers = List.copyOf(trackers);
        loss(objective, corrections, added(penalties, kl, entropy), aggregation, aggregationLength, anchor);
        if (entropy.follows() != null) {
            // What the learner adds in an update must be the only one of its kind.
            loss(objective, corrections, added(penalties, kl, entropy), aggregation, aggregationLength, anchor)
                    .with(new EntropyBonus());
        }
        requireThere("objective", List.of(objective));
        requireThere("corrections", corrections);
        requireThere("penalties", penalties);
        if (advantage instanceof GroupDecoupled decoupled && reward instanceof WeightedReward weighted) {
            decoupled
                    .weights()
                    .keySet()
                    .forEach(name -> Rule.check(
                            weighted.parts().containsKey(name.replaceFirst("/.*", "")),
                            "advantage.weights",
                            "by names of the reward's parts, "
                                    + weighted.parts().keySet(),
                            name));
        }
    }

    public Recipe() {
        this(
                1,
                new ModelSection(),
                new AdapterSection(),
                new DataSection(),
                new PromptSection(),
                null,
                null,
                new TurnLimits(),
                Scoring.BUDGET_SECONDS,
                0.9,
                new Sampling(),
                new RolloutSettings(),
                40,
                32,
                8,
                new Delayed(2),
                4,
                1,
                0,
                new MinPro(),
                List.of(),
                List.of(),
                new KlSection(),
                new EntropySection(),
                false,
                new GroupRelative(),
                null,
                0,
                Anchor.BEHAVIOR,
                new OptimizerSettings(),
                new ComputeSettings(),
                new RanksSection(),
                new EvaluationSection(),
                new CheckpointSection(),
                new RecordSection(),
                List.of(),
                Path.of("runs"));
    }

    /** The run of {@code minpro train} without arguments: the built-in model on the built-in task. */
    public static Recipe of() {
        return new Recipe();
    }

    /**
     * The recipe of a YAML file, as {@code minpro train --config FILE} reads it.
     *
     * @throws org.minpro.config.ConfigurationException with every problem of the file
     */
    public static Recipe read(Path file) {
        return binder(Recipe.class.getClassLoader()).bind(Recipe.class, new Settings().file(file));
    }

    /**
     * The defaults for a model of one's own and files of problems: what {@code minpro train --model DIR --data FILE} does.
     *
     * <p>Against the built-in run: a smaller learning rate, and fewer and somewhat longer responses, which cost more.
     *
     * @param model a Hugging Face folder
     * @param data JSONL files with one problem a line; none for the built-in task, or for a program's own problems
     */
    public static Recipe of(Path model, Path... data) {
        return new Recipe()
                .with("model.path", model.toString())
                .with("data.files", List.of(data))
                .with("sampling.max-new-tokens", 128)
                .with("iterations", 102)
                .with("updates-per-iteration", 1)
                .with("groups-per-iteration", 4)
                .with("lag", 2)
                .with("optimizer.learning-rate", 2e-6)
                .with("optimizer.warmup-updates", 5)
                .with("evaluation.problems", 100);
    }

    /**
     * The same recipe with one setting changed: {@code recipe.with("optimizer.learning-rate", 1e-5)}.
     *
     * @param setting its name in a recipe's file, with its sections joined by dots
     * @param value of the setting's type
     * @throws IllegalArgumentException for an unknown name, another type, or a value that breaks a rule
     */
    public Recipe with(String setting, @Nullable Object value) {
        return Binder.with(this, setting, value);
    }

    /** Makes recipes of settings, and YAML of recipes; classes of the user's own come from {@code loader}. */
    public static Binder binder(ClassLoader loader) {
        return new Binder(
                loader,
                List.of(
                        Objectives.table(),
                        Corrections.table(),
                        Penalties.table(),
                        Advantages.table(),
                        StalenessProtocols.table(),
                        REWARDS,
                        Environments.table(),
                        Toolboxes.table(),
                        Trackers.table()));
    }

    /** The rewards that a recipe can name: those of {@link Rewards} and the built-in task's. */
    public static NamedRecords<Reward> rewards() {
        return REWARDS;
    }

    /**
     * The parameters that are trained: the adapter's where there is one, else those of the model that are chosen.
     *
     * @throws IllegalArgumentException where a target or a pattern names nothing of the model's
     */
    public ParameterSelection trained(ModelConfig config) {
        return adapter.trained(model, config);
    }

    /** Writes what the adapter begins with, where there is one. */
    public Consumer<Parameters> adapterBeginning() {
        return adapter.beginning(seed);
    }

    /** What is minimised. */
    public Loss loss() {
        return loss(objective, corrections, added(penalties, kl, entropy), aggregation, aggregationLength, anchor);
    }

    /** The penalties with those that have a section of their own. */
    private static List<Penalty> added(List<Penalty> penalties, KlSection kl, EntropySection entropy) {
        List<Penalty> all = new ArrayList<>(penalties);
        if (kl.inLoss()) {
            all.add(new KlPenalty(LogProbStream.REFERENCE, kl.estimator(), kl.coefficient()));
        }
        if (entropy.inLoss()) {
            all.add(new EntropyBonus(entropy.coefficient()));
        }
        return all;
    }

    /** Whether the run has a reference model: something reads its log-probabilities. */
    public boolean hasReference() {
        return kl.inReward() || loss().streams().contains(LogProbStream.REFERENCE);
    }

    /** Whether rewards that are all equal leave something to learn. */
    public boolean learnsWithoutDifference() {
        return kl.inReward() || entropy.follows() != null || !loss().vanishesWithAdvantages();
    }

    /** Optimizer steps between sampling and learning, of the oldest token. */
    private long oldestAge() {
        return staleness.oldestAge(updatesOfIteration());
    }

    private static Loss loss(
            Objective objective,
            List<Correction> corrections,
            List<Penalty> penalties,
            Aggregation.@Nullable Mode mode,
            int length,
            Anchor anchor) {
        return Loss.of(objective, corrections, penalties, mode == null ? null : new Aggregation(mode, length), anchor);
    }

    /** What servers can do. */
    private static void requireServed(RolloutSettings rollout, Sampling sampling) {
        if (rollout.isServed()) {
            Rule.check(
                    !sampling.truncates(),
                    "sampling",
                    "of top-k 0, top-p 1 and min-p 0 with rollout.engine served (servers do not report the mass that"
                            + " truncation kept)",
                    "top-k " + sampling.topK() + ", top-p " + sampling.topP() + ", min-p " + sampling.minP());
            Rule.check(
                    sampling.stop().isEmpty(),
                    "sampling.stop",
                    "empty with rollout.engine served (servers are asked for token ids); give sampling.stop-token-ids",
                    sampling.stop());
        }
    }

    /** What a protocol asks of the other settings. */
    private static void requireTogether(Staleness staleness, int iterations, int groups) {
        switch (staleness) {
            case Delayed delayed ->
                Rule.check(
                        delayed.lag() < iterations,
                        "staleness",
                        "of a lag in [0, iterations), here [0, " + iterations + ") (--lag " + (iterations - 1)
                                + " or less)",
                        delayed.lag());
            case Async async -> {}
            case Replay replay ->
                Rule.check(
                        replay.capacity() <= iterations,
                        "staleness",
                        "of a capacity in [1, iterations], here [1, " + iterations + "]",
                        replay.capacity());
            case Simulated simulated -> {
                Rule.check(
                        simulated.workers() <= groups,
                        "staleness",
                        "of at most groups-per-iteration (" + groups + ") workers",
                        simulated.workers());
                Rule.check(
                        simulated.longest() < iterations,
                        "staleness",
                        "of delays in [0, iterations), here [0, " + iterations + ")",
                        simulated.delays());
            }
        }
    }

    private static void requireThere(String setting, List<? extends LossPart> parts) {
        for (LossPart part : parts) {
            Rule.check(
                    THERE.containsAll(part.streams()),
                    setting,
                    "such that they read log-probabilities of " + THERE + " alone, which a run has",
                    part.streams());
        }
    }

    /**
     * The reward to score with: the one asked for, else that of the built-in task or the answer checker. The caller closes it.
     *
     * @throws IllegalArgumentException if a user's class cannot be made; the message says what to change
     */
    public Reward createReward() {
        if (reward == null) {
            return data.isBuiltin() ? data.builtinReward() : new MathReward();
        }
        return Rewards.made(reward);
    }

    /**
     * What answers a response's turns: the one asked for, else that of the built-in task, opened for the caller, who closes it;
     * null where responses are one turn.
     */
    public @Nullable Environment createEnvironment() {
        Environment named = environment == null && data.isBuiltin() ? data.builtinEnvironment() : environment;
        return named == null ? null : named.opened();
    }

    /** Whether something answers responses, as far as the recipe says. */
    public boolean hasTurns() {
        return environment != null || data.isBuiltin() && data.builtinEnvironment() != null;
    }

    /** Optimizer steps of the whole run, if none is skipped. */
    public long updates() {
        return (long) (iterations - staleness.idleIterations()) * updatesOfIteration();
    }

    /** Optimizer steps of an iteration that trains: those of every pass over every batch. */
    public int updatesOfIteration() {
        return staleness.batchesTrained() * epochs * updatesPerIteration;
    }

    /** Responses sampled in an iteration, without those of groups that are replaced. */
    public long rowsPerIteration() {
        return (long) groupsPerIteration * groupSize;
    }

    /** Responses that a worker decodes at once: a function of the recipe and of the kind of device. */
    public int decodeSlots() {
        return LocalRolloutEngine.slots(rowsPerIteration(), compute.lanes(), compute.onCuda());
    }

    /** Settings that add one delay to another, or divide by the wrong policy. */
    private List<String> ofStaleness() {
        List<String> warnings = new ArrayList<>();
        long iterationsLate = oldestAge() / updatesOfIteration();
        if (anchor == Anchor.PROXIMAL && (!staleness.equals(new Delayed()) || updatesOfIteration() > 1)) {
            warnings.add("anchor proximal recomputes the old policy while training: ratios do not show how old rollouts"
                    + " are");
        }
        if (staleness instanceof Async async && async.iterationsAhead(updatesOfIteration()) == 0) {
            warnings.add("staleness.max-age (" + async.maxAge() + ") is less than the updates of an iteration ("
                    + updatesOfIteration() + "): sampling and training take turns");
        }
        if (!corrections.isEmpty() && anchor == Anchor.BEHAVIOR) {
            warnings.add(
                    "corrections with anchor behavior: ratios to the policy that sampled are weights for its age already;"
                            + " use anchor proximal, unless the objective has no ratio");
        }
        if (staleness instanceof Delayed delayed
                && delayed.lag() > 0
                && updatesOfIteration() > 1
                && oldestAge() > USUAL_AGE) {
            warnings.add("staleness stacks: lag " + delayed.lag() + " and "
                    + (epochs == 1 ? "" : "epochs " + epochs + " and ") + "updates-per-iteration " + updatesPerIteration
                    + " multiply, so tokens are up to " + oldestAge() + " updates old; either alone would make them "
                    + delayed.lag() + " or " + (updatesOfIteration() - 1) + ", and other frameworks stop at 8");
        }
        if (kl.inReward() && kl.reference().equals(KlSection.AVERAGE) && iterationsLate > 0) {
            warnings.add(
                    "staleness stacks: kl.where reward with kl.reference average compares the policy that sampled with"
                            + " a mean of weights that are older still, and the result is learnt from " + iterationsLate
                            + " iterations later; take kl.where loss or kl.reference start");
        }
        for (Penalty penalty : penalties) {
            if (penalty instanceof KlPenalty distance
                    && distance.against() == LogProbStream.BEHAVIOR
                    && oldestAge() > 0) {
                warnings.add(
                        "penalty kl against behavior holds the policy near the versions that sampled, which are up to "
                                + oldestAge()
                                + " updates old, not near where the run started; for that set kl.coefficient");
            }
        }
        return warnings;
    }

    /** What is allowed and probably not meant, one line each. */
    public List<String> warnings() {
        List<String> warnings = new ArrayList<>();
        if (sampling.truncates()) {
            warnings.add(
                    "sampling is truncated (top-k, top-p or min-p): ratios use the untruncated probabilities, so they"
                            + " are biased; train with top-k 0, top-p 1, min-p 0");
        }
        warnings.addAll(ofStaleness());
        if (kl.coefficient() == 0 && !kl.equals(new KlSection()) && !hasReference()) {
            warnings.add("kl has no effect with kl.coefficient 0");
        }
        if (kl.averageDecay() != new KlSection().averageDecay()
                && !kl.reference().equals(KlSection.AVERAGE)) {
            warnings.add("kl.average-decay has no effect without kl.reference average");
        }
        if (entropy.target() == null && entropy.targetStep() != new EntropySection().targetStep()) {
            warnings.add("entropy.target-step has no effect without entropy.target");
        }
        if (aggregationLength > 0 && aggregation != Aggregation.Mode.CONSTANT_LENGTH) {
            warnings.add("aggregation-length has no effect without aggregation constant-length");
        }
        if (data.isBuiltin()) {
            data.ofFiles()
                    .forEach(setting -> warnings.add("data." + setting
                            + " has no effect on the built-in task; name the files with data.files or --data"));
        }
        if (data.isBuiltin() && !data.evaluationFiles().isEmpty()) {
            warnings.add("data.evaluation-files has no effect on the built-in task; name the files with data.files or"
                    + " --data");
        }
        if (!data.isBuiltin() && data.heldOut() == 0 && data.evaluationFiles().isEmpty() && evaluation.problems() > 0) {
            warnings.add("data.held-out is 0 and there are no data.evaluation-files: nothing will be evaluated");
        }
        if (model.isBuiltin() && !(data.isBuiltin() && data.task() == BuiltinTask.ARITHMETIC)) {
            warnings.add("the built-in model knows sums only; give --model DIR for other problems");
        }
        if (reward != null && Rewards.hasSecrets(reward)) {
            warnings.add(
                    "a reward's url has a user or a query in it, which the run's recipe.yaml keeps; write ${NAME} in"
                            + " their place to take them from the environment");
        }
        if (Trackers.haveSecrets(trackers)) {
            warnings.add(
                    "a tracker's url has a user or a query in it, which the run's recipe.yaml keeps; write ${NAME} in"
                            + " their place to take them from the environment");
        }
        if (optimizer.warmupUpdates() >= updates()) {
            warnings.add(
                    "optimizer.warmup-updates (" + optimizer.warmupUpdates() + ") is not less than the run's updates ("
                            + updates() + "): the learning rate never reaches its peak");
        }
        return warnings;
    }
}

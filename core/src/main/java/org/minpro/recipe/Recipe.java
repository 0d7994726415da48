package org.minpro.recipe;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.minpro.advantage.Advantage;
import org.minpro.advantage.Advantages;
import org.minpro.advantage.GroupRelative;
import org.minpro.config.Binder;
import org.minpro.config.Choice;
import org.minpro.config.Doc;
import org.minpro.objective.Aggregation;
import org.minpro.objective.Anchor;
import org.minpro.objective.Correction;
import org.minpro.objective.Corrections;
import org.minpro.objective.LogProbStream;
import org.minpro.objective.Loss;
import org.minpro.objective.LossPart;
import org.minpro.objective.MinPro;
import org.minpro.objective.Objective;
import org.minpro.objective.Objectives;
import org.minpro.objective.Penalties;
import org.minpro.objective.Penalty;
import org.minpro.reward.Reward;
import org.minpro.reward.Rewards;
import org.minpro.task.ArithmeticReward;

/** Everything {@code minpro train} can be told; the defaults are its run without arguments. */
public record Recipe(
        @Doc("Seed of everything random: problems, sampling, order.")
        long seed,

        @Doc("The model to train.") ModelSection model,
        @Doc("The problems.") DataSection data,
        @Doc("How prompts are put to the model.") PromptSection prompts,

        @Doc(
                "What scores a response: arithmetic | format | http | length | math | overlong | weighted, or a class name."
                        + " null takes arithmetic for the built-in task and math for files.")
        @Nullable Choice reward,

        @Doc("Share of an iteration's responses that may be undecided, [0, 1]; the run is saved and stops beyond it. 1"
                + " never stops.")
        double maxUndecided,

        @Doc("How responses are sampled.") SamplingSection sampling,
        @Doc("Rollout phases of the run.") int iterations,

        @Doc("Problems sampled in an iteration; a multiple of updates-per-iteration.")
        int groupsPerIteration,

        @Doc("Responses sampled to each problem, >= 2.") int groupSize,

        @Doc("Iterations between sampling a batch and training on it, [0, iterations).")
        int lag,

        @Doc("Optimizer steps on each batch, each on its own part of the groups.")
        int updatesPerIteration,

        @Doc("Groups without any difference in reward that are replaced by new draws in an iteration, at most; 0"
                + " replaces none.")
        int resampleLimit,

        @Doc("The loss; its parameters are those of docs/objectives.md.")
        Objective objective,

        @Doc("What multiplies the objective's losses, such as [tis] or [{name: tis, cap: 3}].")
        List<Correction> corrections,

        @Doc("What is added to the loss, such as [kl] or [{name: kl, coefficient: 0.01}].")
        List<Penalty> penalties,

        @Doc("How a group's rewards become advantages.") Advantage advantage,

        @Doc("How token losses become one number; null takes the objective's own, else token-mean.")
        Aggregation.@Nullable Mode aggregation,

        @Doc("Divisor of aggregation constant-length, tokens; 0 takes the longest row.")
        int aggregationLength,

        @Doc("Denominator of the ratios: the policy that sampled, or the one at the start of the iteration's updates"
                + " (which hides staleness).")
        Anchor anchor,

        @Doc("AdamW.") OptimizerSection optimizer,
        @Doc("How the work is cut.") ComputeSection compute,
        @Doc("Accuracy on held-out problems.") EvaluationSection evaluation,
        @Doc("When the run is saved.") CheckpointSection checkpoints,

        @Doc("Folder in which each run gets a numbered folder of its own.")
        Path runs) {

    /** The reward of the built-in task. */
    private static final String ARITHMETIC = "arithmetic";

    /** What the rows of a run have: the sampler's log-probabilities, and those that the learner computes. */
    private static final Set<LogProbStream> THERE = EnumSet.of(LogProbStream.BEHAVIOR, LogProbStream.PROXIMAL);

    public Recipe {
        Rule.positive("iterations", iterations);
        Rule.positive("groups-per-iteration", groupsPerIteration);
        Rule.check(groupSize >= 2, "group-size", ">= 2 (advantages compare the responses of a group)", groupSize);
        Rule.positive("updates-per-iteration", updatesPerIteration);
        Rule.check(
                groupsPerIteration % updatesPerIteration == 0,
                "updates-per-iteration",
                "a divisor of groups-per-iteration (" + groupsPerIteration + ")",
                updatesPerIteration);
        Rule.check(lag >= 0 && lag < iterations, "lag", "in [0, iterations), here [0, " + iterations + ")", lag);
        Rule.check(maxUndecided >= 0 && maxUndecided <= 1, "max-undecided", "in [0, 1]", maxUndecided);
        Rule.notNegative("resample-limit", resampleLimit);
        Rule.notNegative("aggregation-length", aggregationLength);
        corrections = List.copyOf(corrections);
        penalties = List.copyOf(penalties);
        loss(objective, corrections, penalties, aggregation, aggregationLength, anchor);
        requireThere("objective", List.of(objective));
        requireThere("corrections", corrections);
        requireThere("penalties", penalties);
        if (reward != null && !reward.name().contains(".")) {
            reward(reward, Recipe.class.getClassLoader());
        }
    }

    public Recipe() {
        this(
                1,
                new ModelSection(),
                new DataSection(),
                new PromptSection(),
                null,
                0.9,
                new SamplingSection(),
                40,
                32,
                8,
                2,
                4,
                0,
                new MinPro(),
                List.of(),
                List.of(),
                new GroupRelative(),
                null,
                0,
                Anchor.BEHAVIOR,
                new OptimizerSection(),
                new ComputeSection(),
                new EvaluationSection(),
                new CheckpointSection(),
                Path.of("runs"));
    }

    /** Makes recipes of settings, and YAML of recipes; classes of the user's own come from {@code loader}. */
    public static Binder binder(ClassLoader loader) {
        return new Binder(
                loader,
                List.of(Objectives.table(), Corrections.table(), Penalties.table(), Advantages.table()),
                choice -> {
                    if (choice.name().contains(".")) {
                        // Made later, once: a reward of one's own may be expensive to make.
                        Rewards.requireClass(choice.name(), loader);
                    } else {
                        reward(choice, loader);
                    }
                });
    }

    /** What is minimised. */
    public Loss loss() {
        return loss(objective, corrections, penalties, aggregation, aggregationLength, anchor);
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
     * The reward.
     *
     * @param loader finds a class of the user's own
     * @throws IllegalArgumentException if it cannot be made; the message says what to change
     */
    public Reward createReward(ClassLoader loader) {
        if (reward == null) {
            return data.isBuiltin() ? new ArithmeticReward() : Rewards.create("math");
        }
        return reward(reward, loader);
    }

    private static Reward reward(Choice choice, ClassLoader loader) {
        if (choice.name().equals(ARITHMETIC)) {
            Rule.check(choice.parameters().isEmpty(), "reward arithmetic", "without parameters", choice.parameters());
            return new ArithmeticReward();
        }
        return Rewards.create(choice.name(), choice.parameters(), loader, List.of(ARITHMETIC));
    }

    /** What is allowed and probably not meant, one line each. */
    public List<String> warnings() {
        List<String> warnings = new ArrayList<>();
        if (sampling.truncates()) {
            warnings.add(
                    "sampling is truncated (top-k, top-p or min-p): ratios use the untruncated probabilities, so they"
                            + " are biased; train with top-k 0, top-p 1, min-p 0");
        }
        if (anchor == Anchor.PROXIMAL && (lag > 0 || updatesPerIteration > 1)) {
            warnings.add(
                    "anchor proximal recomputes the old policy while training: ratios do not show that rollouts are "
                            + lag + " iterations old");
        }
        if (!corrections.isEmpty() && anchor == Anchor.BEHAVIOR) {
            warnings.add(
                    "corrections with anchor behavior: ratios to the policy that sampled are weights for its age already;"
                            + " use anchor proximal, unless the objective has no ratio");
        }
        if (aggregationLength > 0 && aggregation != Aggregation.Mode.CONSTANT_LENGTH) {
            warnings.add("aggregation-length has no effect without aggregation constant-length");
        }
        if (data.isBuiltin()) {
            data.ofFiles()
                    .forEach(setting -> warnings.add("data." + setting
                            + " has no effect on the built-in task; name the files with data.files or --data"));
        }
        if (!data.isBuiltin() && data.heldOut() == 0 && data.evaluationFiles().isEmpty() && evaluation.problems() > 0) {
            warnings.add("data.held-out is 0 and there are no data.evaluation-files: nothing will be evaluated");
        }
        if (!data.isBuiltin() && model.isBuiltin()) {
            warnings.add("the built-in model knows sums only; give --model DIR for problems of your own");
        }
        long updates = (long) (iterations - lag) * updatesPerIteration;
        if (optimizer.warmupUpdates() >= updates) {
            warnings.add(
                    "optimizer.warmup-updates (" + optimizer.warmupUpdates() + ") is not less than the run's updates ("
                            + updates + "): the learning rate never reaches its peak");
        }
        return warnings;
    }
}

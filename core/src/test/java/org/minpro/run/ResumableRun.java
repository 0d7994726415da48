package org.minpro.run;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.minpro.config.Settings;
import org.minpro.data.Message;
import org.minpro.data.Problem;
import org.minpro.dist.RankContext;
import org.minpro.dist.Ranks;
import org.minpro.environment.Answer;
import org.minpro.environment.Environment;
import org.minpro.environment.Episode;
import org.minpro.environment.Episodes;
import org.minpro.environment.TurnLimits;
import org.minpro.experience.Continuations;
import org.minpro.experience.Scoring;
import org.minpro.model.ModelConfig;
import org.minpro.model.ParameterSelection;
import org.minpro.model.Parameters;
import org.minpro.model.TinyModels;
import org.minpro.recipe.Recipe;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.TurnEnd;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Workers;
import org.minpro.train.Policy;

/** A small run in a folder, with everything that makes a resume hard; also a program of its own, to be killed. */
final class ResumableRun {
    static final int ITERATIONS = 14;
    static final int CHECKPOINT_EVERY = 2;

    private ResumableRun() {}

    /** A recipe's staleness. */
    static final String DELAYED = "{name: delayed, lag: 2}";

    static Recipe recipe(String staleness) {
        return recipe(staleness, Turns.ONE);
    }

    /** Half of the vocabulary ends a turn where there are several. */
    static Recipe recipe(String staleness, Turns turns) {
        Map<String, Object> changes = new LinkedHashMap<>();
        changes.put("iterations", ITERATIONS);
        changes.put("compute.lanes", 4);
        changes.put("updates-per-iteration", 2);
        changes.put("resample-limit", 3);
        changes.put("optimizer.warmup-updates", 20);
        changes.put("checkpoints.every", CHECKPOINT_EVERY);
        changes.put("kl.coefficient", 0.01);
        changes.put("entropy.coefficient", 0.05);
        changes.put("entropy.target", 7.28);
        changes.put("entropy.target-step", 0.01);
        changes.put("record.rows", 3);
        if (turns != Turns.ONE) {
            changes.put("sampling.max-new-tokens", 24);
            changes.put(
                    "sampling.stop-token-ids", IntStream.range(2, 750).boxed().toList());
        }
        return Recipe.binder(ResumableRun.class.getClassLoader())
                .bind(TinyRecipe.with(changes), new Settings().set("staleness=" + staleness));
    }

    /** Whether most ids are even: all four of a group agree often enough that groups are put aside. */
    private static final Reward MOSTLY_EVEN = (problem, rollout) -> {
        int even = 0;
        for (int id : rollout.responseIds()) {
            even += id % 2 == 0 ? 1 : 0;
        }
        return Score.of(2 * even > rollout.length() ? 1 : 0);
    };

    /** Text whose characters take two bytes: a line may be cut inside one. */
    private static String text(int[] ids) {
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append((char) ('\u0400' + id % 256));
        }
        return text.toString();
    }

    /**
     * Opens the run in a folder, continues it and closes it.
     *
     * @return whether all iterations are done
     */
    static boolean go(Path path, RunListener listener, boolean stopAfterFiveIterations) {
        return go(path, listener, stopAfterFiveIterations, Model.WHOLE);
    }

    /** Turns of a response. */
    enum Turns {
        ONE,
        /** An environment answers, which says the same to the same turns. */
        REPLAYABLE,
        /** An environment answers, which says something else each time, and declares it. */
        NOT_REPLAYABLE
    }

    /**
     * Says a number after each of the first two turns, up to a millisecond later; a turn whose ids have an odd sum has a reward.
     */
    private record Numbers(boolean replayable) implements Environment {
        @Override
        public Episode begin(Problem problem, long draw, int sample) {
            return turn -> {
                int sum = Arrays.stream(turn.ids()).sum();
                LockSupport.parkNanos(sum % 4 * 300_000L);
                if (turn.ordinal() == 2) {
                    return Answer.end().withReward(sum % 2);
                }
                int number = replayable ? sum % 90 : ThreadLocalRandom.current().nextInt(90);
                return Answer.says(String.valueOf(2 + number)).withReward(sum % 2);
            };
        }
    }

    /** The id that a number names. */
    private static int[] spoken(List<Message> said) {
        return said.stream()
                .mapToInt(message -> Integer.parseInt(message.content()))
                .toArray();
    }

    /**
     * What is trained.
     *
     * @param trainable pattern of the parameters
     * @param type what is computed in
     * @param staleness of the recipe
     * @param experts whether it is a mixture of experts
     * @param turns of its responses
     */
    record Model(String trainable, DType type, String staleness, boolean experts, Turns turns) {
        static final Model WHOLE = new Model("*", DType.F32, DELAYED);

        Model(String trainable, DType type, String staleness) {
            this(trainable, type, staleness, false, Turns.ONE);
        }

        Model(String trainable, DType type, String staleness, Turns turns) {
            this(trainable, type, staleness, false, turns);
        }

        /** A vocabulary that makes a checkpoint take some milliseconds to write. */
        ModelConfig config() {
            return experts ? TinyModels.experts() : TinyModels.dense(1500);
        }
    }

    private static Parameters copy(ModelConfig config, Parameters parameters) {
        Parameters copy = Parameters.zeros(config, parameters.selection(), Device.CPU, DType.F32, DType.F32);
        copy.initialise(5, 0.1);
        return copy;
    }

    static boolean go(Path path, RunListener listener, boolean stopAfterFiveIterations, Model model) {
        return go(path, listener, stopAfterFiveIterations, model, Ranks.alone());
    }

    /** @param ranks of which this is one; the others run the same. One that is not the first has a folder in {@code path} */
    static boolean go(Path path, RunListener listener, boolean stopAfterFiveIterations, Model model, Ranks ranks) {
        return go(path, listener, stopAfterFiveIterations, model, ranks, recipe(model.staleness(), model.turns()));
    }

    static boolean go(
            Path path, RunListener listener, boolean stopAfterFiveIterations, Model model, Ranks ranks, Recipe recipe) {
        ModelConfig config = model.config();
        Parameters parameters = Parameters.zeros(
                config, ParameterSelection.of(config, List.of(model.trainable())), Device.CPU, DType.F32, DType.F32);
        parameters.initialise(5, 0.1);
        try (RunFolder folder =
                        ranks.isFirst() ? RunFolder.open(path) : RunFolder.at(new RunFiles(path).rank(ranks.rank()));
                Policy policy = new Policy(config, parameters, model.type());
                ReferenceModel reference =
                        ReferenceModel.average(new Policy(config, copy(config, parameters), model.type()), 0.8);
                Workers workers = new Workers(2);
                Workers sampling = new Workers(2);
                LocalRolloutEngine engine = new LocalRolloutEngine(sampling, 16, 11, ResumableRun::text);
                Episodes episodes = new Episodes(
                        new Numbers(model.turns() == Turns.REPLAYABLE),
                        (said, lastId) -> spoken(said),
                        new TurnLimits(),
                        new TurnEnd(recipe.sampling().params(config.eosIds()), ResumableRun::text))) {
            boolean answered = model.turns() != Turns.ONE;
            TrainingRun[] opened = new TrainingRun[1];
            RunListener told = new RunListener() {
                @Override
                public void rolloutFinished(Rollout rollout) {
                    listener.rolloutFinished(rollout);
                }

                @Override
                public void updateFinished(int update, int updates) {
                    listener.updateFinished(update, updates);
                }

                @Override
                public void iterationFinished(IterationReport report) {
                    listener.iterationFinished(report);
                    if (stopAfterFiveIterations && report.iteration() == 4) {
                        opened[0].stop();
                    }
                }

                @Override
                public void notice(String line) {
                    listener.notice(line);
                }
            };
            RunResources resources = new RunResources(
                    policy,
                    engine,
                    draw -> Problem.of("p" + draw, "", ""),
                    problem -> new int[] {3, 4 + Integer.parseInt(problem.id().substring(1)) % 20},
                    answered ? episodes::of : Continuations.NONE,
                    new Scoring(answered ? episodes.reward(MOSTLY_EVEN, false) : MOSTLY_EVEN),
                    config,
                    workers,
                    reference,
                    null,
                    ranks);
            try (TrainingRun run = TrainingRun.open(folder, recipe, resources, told)) {
                opened[0] = run;
                return run.run();
            }
        }
    }

    /**
     * Says on standard output what happens, a word a line; a refusal goes to standard error, exit code 1.
     *
     * @param arguments the folder, the pattern of what is trained, its type, the staleness and the turns; which of several
     *     processes this is, the environment says
     */
    public static void main(String[] arguments) {
        say("opening");
        try (Ranks ranks = RankContext.of(System.getenv())
                .map(context -> Ranks.join(context, Duration.ofSeconds(20)))
                .orElseGet(Ranks::alone)) {
            boolean done = go(
                    Path.of(arguments[0]),
                    new RunListener() {
                        @Override
                        public void rolloutFinished(Rollout rollout) {
                            say("rollout");
                        }

                        @Override
                        public void updateFinished(int update, int updates) {
                            say("update");
                        }

                        @Override
                        public void iterationFinished(IterationReport report) {
                            say("iteration");
                        }

                        @Override
                        public void notice(String line) {
                            System.err.println(line);
                        }
                    },
                    false,
                    new Model(arguments[1], DType.valueOf(arguments[2]), arguments[3], Turns.valueOf(arguments[4])),
                    ranks);
            say(done ? "done" : "stopped");
        } catch (IllegalStateException e) {
            System.err.println(e.getMessage());
            System.exit(1);
        }
    }

    private static void say(String word) {
        byte[] line = (word + "\n").getBytes(StandardCharsets.UTF_8);
        synchronized (System.out) {
            System.out.write(line, 0, line.length);
            System.out.flush();
        }
    }
}

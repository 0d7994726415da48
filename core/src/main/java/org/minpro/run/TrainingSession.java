package org.minpro.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.minpro.data.Dataset;
import org.minpro.data.Problem;
import org.minpro.data.ProblemSource;
import org.minpro.dist.Ranks;
import org.minpro.environment.Environment;
import org.minpro.eval.Accuracy;
import org.minpro.eval.Evaluator;
import org.minpro.experience.Async;
import org.minpro.experience.Journal;
import org.minpro.experience.RefusedRewardException;
import org.minpro.experience.RewardFailure;
import org.minpro.experience.ScoredGroup;
import org.minpro.experience.Scoring;
import org.minpro.model.Kernels;
import org.minpro.model.Parameters;
import org.minpro.model.PolicyVersion;
import org.minpro.recipe.KlSection;
import org.minpro.recipe.Recipe;
import org.minpro.reward.Reward;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutEngine;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;
import org.minpro.rollout.served.RolloutSettings;
import org.minpro.rollout.served.ServedRolloutEngine;
import org.minpro.tensor.DType;
import org.minpro.tensor.Engine;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;
import org.minpro.text.Tokenizer;
import org.minpro.tracker.MetricPoint;
import org.minpro.train.Policy;
import org.minpro.train.TrainingRow;
import org.minpro.train.Update;

/**
 * A training run from a recipe, as {@code minpro train} does it: what a Java program uses.
 *
 * <pre>{@code
 * Recipe recipe = new Recipe().with("iterations", 20);   // or Recipe.of(Path.of("my-model"), Path.of("problems.jsonl"))
 * try (TrainingSession session = TrainingSession.of(recipe)
 *         .problems(draw -> Problem.of("p" + draw, "2+2=", "4"))
 *         .reward((problem, rollout) -> Score.of(rollout.text().contains(problem.answer()) ? 1 : 0))
 *         .start()) {
 *     session.run();
 *     Path model = session.saveModel();   // or session.train(), which measures accuracy before and after, too
 * }
 * }</pre>
 */
public final class TrainingSession implements AutoCloseable {
    private static final String COMMAND = "train";

    /** Whose prompts are looked at before a run; a later one that leaves too few positions is skipped and counted. */
    private static final long MOST_DRAWS = 10_000;

    private final OpenResources opened = new OpenResources();
    private final Ranks ranks;
    private final Recipe recipe;
    private final RunFolder folder;
    private final ModelFiles files;
    private final Tokenizer tokenizer;
    private final Policy policy;
    private final Workers workers;
    private final LocalRolloutEngine engine;
    private final Prompts prompts;
    private final Conversations conversations;
    private final Scoring scoring;
    private final RewardFailures failures;
    private final ProblemSets problems;
    private final List<Evaluator.Question> questions;
    private final int longestPrompt;
    private final TrainingRun run;
    private final Evaluations evaluations;
    private final RunListener listener;
    private final ClassLoader loader;

    private TrainingSession(Start start, RunFolder folder, Recipe recipe, @Nullable Ranks joined) {
        this.recipe = recipe;
        this.folder = folder;
        Listener told = new Listener(start.listener, new NoticesFile(folder.notices()));
        this.listener = told;
        loader = start.loader;
        opened.add(folder);
        Ranks together = joined;
        try {
            together = joined != null ? joined : start.join.apply(folder.path());
            ranks = opened.add(together);
            requireLanes();
            Engine.use(recipe.compute().device());
            files = ModelFiles.open(recipe.model().path());
            requireMemory(start.memory.getAsLong());
            tokenizer = opened.add(files.tokenizer());
            failures = new RewardFailures(folder.rewardFailures(), told);
            Environment environment =
                    start.environment != null ? start.environment.opened() : recipe.createEnvironment();
            if (environment != null) {
                opened.add(environment);
            }
            Reward reward = start.reward != null ? start.reward : opened.add(recipe.createReward());
            if (start.problems != null && start.reward == null && recipe.reward() == null) {
                told.notice("the program's problems are scored by '" + reward.described()
                        + "', the recipe's default; reward(...) gives another");
            }
            prompts = Prompts.of(recipe.prompts(), files, tokenizer, environment);
            problems = start.problems != null
                    ? new ProblemSets(start.problems, start.heldOut, "problems of the program")
                    : ProblemSets.of(
                            recipe.data(), recipe.seed(), recipe.evaluation().problems(), told::dataRead);
            if (!ranks.isAlone()) {
                requireSameWork(joined == null ? recipe : start.given, told);
            }
            if (start.problems == null && ranks.isFirst()) {
                DataFiles.keepOrRequire(folder, recipe.data().paths());
            }
            problems.notices().forEach(line -> told.notice("data: " + line));
            Problem example = problems.training().problem(0);
            conversations = opened.add(Conversations.of(
                    environment,
                    prompts,
                    recipe.turns(),
                    recipe.sampling().params(files.config().eosIds()),
                    tokenizer));
            reward.notices().forEach(told::notice);
            Reward judge = conversations.reward(reward, start.reward != null || recipe.reward() != null);
            scoring = new Scoring(judge.reading(prompts.marks(example)), recipe.rewardBudgetSeconds(), failures);
            questions = prompts.questions(problems.heldOut());
            longestPrompt = requirePositions();
            int[] examplePrompt = prompts.encode(example);
            prompts.missingBeginOfSequence(examplePrompt).ifPresent(line -> told.notice("warning: " + line));
            prompts.unknownCharacters(Stream.concat(
                                    Stream.of(examplePrompt), questions.stream().map(Evaluator.Question::promptIds))
                            .toList())
                    .ifPresent(line -> told.notice("warning: " + line));
            DType compute = files.computeType(recipe.model().dtype());
            Kernels.notices(Engine.device(), compute).forEach(told::notice);
            policy = opened.add(files.policy(compute, recipe.trained(files.config()), recipe.adapterBeginning()));
            workers = opened.add(new Workers(threads()));
            engine = opened.add(engine(workers));
            // Evaluations and updates go on while responses are sampled, each with threads of its own.
            boolean beside = recipe.staleness() instanceof Async;
            Workers sampling = beside ? opened.add(new Workers(threads())) : workers;
            ServedRolloutEngine served =
                    recipe.rollout().isServed() ? opened.add(served(compute, sampling, told)) : null;
            RolloutEngine sampler = served != null ? served : beside ? opened.add(engine(sampling)) : engine;
            RunResources resources = new RunResources(
                    policy,
                    sampler,
                    problems.training(),
                    prompts,
                    conversations.continuations(),
                    scoring,
                    files.config(),
                    workers,
                    recipe.hasReference() ? opened.add(reference(compute)) : null,
                    served,
                    ranks);
            run = opened.add(TrainingRun.open(folder, recipe, resources, told));
            shareEvaluations();
            evaluations = opened.add(Evaluations.open(folder.evaluations(), run.iteration()));
            if (ranks.isFirst()) {
                opened.add(TrackedFolder.open(
                        folder,
                        recipe.trackers(),
                        () -> run.trainer().finished(),
                        told::notice,
                        Map.of(
                                MetricPoint.Series.TRAINING,
                                run.metrics(),
                                MetricPoint.Series.EVALUATION,
                                evaluations.file())));
            }
        } catch (RuntimeException | Error e) {
            if (together != null) {
                together.failed(e);
            }
            opened.closeAfter(e);
            throw e;
        }
    }

    /** Something that all ranks do: where it fails on this one, the others learn why. */
    private <T> T together(Supplier<T> work) {
        try {
            return work.get();
        } catch (RuntimeException | Error e) {
            ranks.failed(e);
            throw e;
        }
    }

    private int threads() {
        return recipe.compute().threads(ranks.localSize());
    }

    private void requireLanes() {
        if (!ranks.isAlone() && recipe.rollout().isServed()) {
            throw new IllegalArgumentException(
                    "rollout.engine must be local in a run of several processes, got: served;"
                            + " servers sample for one process");
        }
        if (recipe.compute().lanes() < ranks.size()) {
            throw new IllegalArgumentException(
                    lanesRefusal(ranks.size(), recipe.compute().lanes()));
        }
    }

    /** What a person is told where there are fewer lanes than processes. */
    public static String lanesRefusal(int processes, int lanes) {
        return "compute.lanes must be at least the number of processes (" + processes + "), got: " + lanes
                + "; begin the run with --set compute.lanes=" + processes + " or with fewer processes";
    }

    /**
     * Refuses ranks with other software, another recipe, other weights or other data.
     *
     * @param given the recipe that this rank was started with, or null where it took the first one's
     */
    private void requireSameWork(@Nullable Recipe given, RunListener told) {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("software", "minpro " + BuildVersion.present());
        if (given != null) {
            facts.put("recipe", StoredRecipe.comparable(Recipe.binder(loader), given));
        }
        facts.put("model files", files.sha256());
        facts.put("data files", DataFiles.sha256(recipe.data().paths()));
        RankAgreement.require(ranks.learning(), facts);
        String own = Kernels.description(Engine.device()) + ", " + Engine.kernels();
        byte[][] kernels =
                ranks.learning().gather("what the processors compute with", own.getBytes(StandardCharsets.UTF_8));
        for (int rank = 1; rank < kernels.length && ranks.isFirst(); rank++) {
            if (!Arrays.equals(kernels[rank], kernels[0])) {
                told.notice("warning: " + ranks.named(rank) + " computes with other kernels ("
                        + new String(kernels[rank], StandardCharsets.UTF_8) + ") than " + ranks.named(0) + " ("
                        + new String(kernels[0], StandardCharsets.UTF_8)
                        + "): the run's bytes depend on which rank does what");
            }
        }
        if (!ranks.listensOnItsAddressAlone()) {
            told.notice("warning: the port where the ranks meet is open on every network interface of this machine");
        }
    }

    /** Gives the other ranks what was measured before. */
    private void shareEvaluations() {
        if (ranks.isAlone()) {
            return;
        }
        try {
            Path file = folder.evaluations();
            byte[] before = ranks.isFirst() && Files.exists(file) ? Files.readAllBytes(file) : new byte[0];
            byte[] shared = ranks.learning().ofFirst("what was measured before", before);
            if (!ranks.isFirst()) {
                Files.write(file, shared);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the run folder must be writable, got: " + folder.path(), e);
        }
    }

    private ReferenceModel reference(DType compute) {
        if (!recipe.adapter().isOn() || recipe.kl().isFolder()) {
            return ReferenceModel.open(recipe, files, compute);
        }
        if (recipe.kl().reference().equals(KlSection.AVERAGE)) {
            return ReferenceModel.average(policy.fork(), recipe.kl().averageDecay());
        }
        PolicyVersion begin = recipe.adapter().isNew() ? policy.withoutAdapter() : policy.holdVersion();
        return ReferenceModel.beside(
                begin, ModelFiles.open(recipe.model(), recipe.adapter()).sha256());
    }

    private LocalRolloutEngine engine(Workers threads) {
        return new LocalRolloutEngine(threads, recipe.decodeSlots(), recipe.seed(), ids -> tokenizer.decode(ids, true));
    }

    /** @param scoring compute what servers' log-probabilities are compared with */
    private ServedRolloutEngine served(DType compute, Workers scoring, RunListener told) {
        RolloutSettings settings = recipe.rollout();
        double bound = settings.mismatchBound() > 0 ? settings.mismatchBound() : compute == DType.BF16 ? 0.5 : 1e-3;
        return ServedRolloutEngine.connect(new ServedRolloutEngine.Setup(
                settings,
                new ServedWeights(files, recipe.adapter().isOn(), compute, scoring),
                folder.path().resolve("served-weights"),
                recipe.seed(),
                files.config().vocabSize(),
                bound,
                ids -> tokenizer.decode(ids, true),
                told::notice));
    }

    /**
     * Refuses prompts that leave a response too few of the model's positions.
     *
     * @return tokens of the longest prompt: of those that are evaluated on and of the draws that the run takes if it skips
     *     and replaces none; 0 where {@code prompts.max-tokens} keeps all of them short enough, so that none is looked at
     */
    private int requirePositions() {
        Positions positions = Positions.of(recipe.model(), files.config());
        int newTokens = recipe.sampling().maxNewTokens();
        int most = recipe.prompts().maxTokens();
        if ((long) most + newTokens <= files.config().maxPositions()) {
            return 0;
        }
        int longest = 0;
        String what = "an empty prompt";
        for (Evaluator.Question question : questions) {
            if (question.promptIds().length > longest) {
                longest = question.promptIds().length;
                what = "problem " + question.problem().id();
            }
        }
        long draws = Math.min(MOST_DRAWS, (long) recipe.iterations() * recipe.groupsPerIteration());
        for (long draw = 0; draw < draws; draw++) {
            Problem problem = problems.training().problem(draw);
            int length = prompts.encode(problem).length;
            if (length > longest && length <= most) {
                longest = length;
                what = "problem " + problem.id();
            }
        }
        positions.require(longest, what, newTokens, "sampling.max-new-tokens");
        return longest;
    }

    /** The line of a plan where sequences go beyond what the model was made for. */
    public Optional<String> beyondPositions() {
        return Optional.ofNullable(Positions.of(recipe.model(), files.config())
                .beyond(longestPrompt, recipe.sampling().maxNewTokens()));
    }

    /** @param free bytes */
    private void requireMemory(long free) {
        long needed = memoryBytes();
        if (needed > free) {
            throw new IllegalStateException(MemoryEstimate.refusal(needed, free, MemoryEstimate.TRAINING_SETTINGS));
        }
    }

    /** Bytes that this process of the run takes at most, roughly. */
    public long memoryBytes() {
        return MemoryEstimate.ofTraining(
                recipe, files.config(), files.computeType(recipe.model().dtype()), ranks.size(), ranks.localSize());
    }

    /** A run of this recipe, as the command would do it. */
    public static Start of(Recipe recipe) {
        return new Start(recipe);
    }

    /** What a program gives in place of what the recipe names. */
    public static final class Start {
        private final @Nullable Recipe recipe;
        private @Nullable ProblemSource problems;
        private List<Problem> heldOut = List.of();
        private @Nullable Reward reward;
        private @Nullable Environment environment;
        private RunListener listener = new PrintingListener();
        private LongSupplier memory = MachineMemory::whereModelsAre;
        private ClassLoader loader = TrainingSession.class.getClassLoader();
        private Function<Path, Ranks> join = folder -> Ranks.alone();
        private @Nullable Recipe given;

        private Start(@Nullable Recipe recipe) {
            this.recipe = recipe;
        }

        /** Problems of the program's own. */
        public Start problems(ProblemSource source) {
            problems = source;
            return this;
        }

        /** Problems to evaluate on, with {@link #problems}. */
        public Start heldOut(List<Problem> questions) {
            heldOut = List.copyOf(questions);
            return this;
        }

        /** A reward of the program's own, which the program closes. */
        public Start reward(Reward own) {
            reward = own;
            return this;
        }

        /** An environment of the program's own, which answers the turns of responses. */
        public Start environment(Environment own) {
            environment = own;
            return this;
        }

        /** Who is told how the run goes; by default {@link PrintingListener} on {@code System.err}. */
        public Start listener(RunListener told) {
            listener = told;
            return this;
        }

        /** Bytes that the run may take, in place of what the machine has left; asked once. */
        public Start memory(LongSupplier available) {
            memory = available;
            return this;
        }

        /** Where classes that the recipe names come from. */
        public Start classLoader(ClassLoader classes) {
            loader = classes;
            return this;
        }

        /**
         * The processes of the run, of which this is the first; the others {@link #follow}.
         *
         * @param meet meets them, once the run has a folder, which it is given
         */
        public Start ranks(Function<Path, Ranks> meet) {
            join = meet;
            return this;
        }

        /** Starts a new run in a folder of its own. */
        public TrainingSession start() {
            Recipe fixed = fixed(Objects.requireNonNull(recipe));
            return begun(create(fixed), fixed);
        }

        /**
         * Makes the folder of a new run with its recipe, and does nothing: whoever {@link #resume}s it begins it. So a
         * launcher of processes knows the folder before the first of them starts. {@code compute.device} stays as it was
         * given, because this machine need not be one of those that compute.
         *
         * @return the folder
         */
        public Path prepare() {
            Recipe given = Objects.requireNonNull(recipe);
            try (RunFolder folder = create(StoredRecipe.dated(given, given.prompts()))) {
                folder.keep();
                return folder.path();
            }
        }

        private RunFolder create(Recipe fixed) {
            return StoredRecipe.create(
                    fixed.runs(),
                    COMMAND,
                    Recipe.binder(loader),
                    StoredRecipe.located(
                            fixed.with("kl", fixed.kl().located()),
                            fixed.model(),
                            fixed.adapter(),
                            fixed.data().isBuiltin(),
                            fixed.data().folder()));
        }

        /** With what is decided here: the day and the device. */
        private static Recipe fixed(Recipe given) {
            return StoredRecipe.placed(StoredRecipe.dated(given, given.prompts()), given.compute());
        }

        /** With the other ranks, if there are any, told what the run is. */
        private TrainingSession begun(RunFolder folder, Recipe stored) {
            Function<Path, Ranks> meet = join;
            join = path -> {
                Ranks ranks = meet.apply(path);
                StoredRecipe.share(ranks.learning(), folder);
                return ranks;
            };
            return new TrainingSession(this, folder, stored, null);
        }

        /**
         * Takes part in the run of other ranks, of which this is not the first: it takes the recipe from there, and logs into
         * {@code ranks/RANK} of the run's folder. What the program gave must be given alike on all ranks.
         *
         * @param ranks met already
         */
        public TrainingSession follow(Ranks ranks) {
            if (ranks.isFirst()) {
                throw new IllegalArgumentException("a rank that follows must not be the first, got: rank 0");
            }
            RunFolder folder;
            Recipe stored;
            try {
                // As the first rank has it; paths are not compared.
                given = recipe == null ? null : fixed(recipe);
                folder = StoredRecipe.received(ranks.learning());
                stored = StoredRecipe.read(folder, COMMAND, Recipe.binder(loader), Recipe.class);
            } catch (RuntimeException e) {
                ranks.failed(e);
                ranks.close();
                throw e;
            }
            return new TrainingSession(this, folder, stored, ranks);
        }

        /**
         * Continues a run in its folder, bit for bit, with the recipe that is stored there; what the program gave must be
         * given again.
         */
        public TrainingSession resume(Path run) {
            RunFolder folder = RunFolder.open(run);
            Recipe stored = StoredRecipe.read(folder, COMMAND, Recipe.binder(loader), Recipe.class);
            return begun(folder, stored);
        }
    }

    /** For {@link Start#resume}. */
    public static Start stored() {
        return new Start(null);
    }

    public Recipe recipe() {
        return recipe;
    }

    public RunFolder folder() {
        return folder;
    }

    public ModelFiles files() {
        return files;
    }

    public Trainer trainer() {
        return run.trainer();
    }

    public ProblemSets problems() {
        return problems;
    }

    /** The text that the model continues where it is given this problem. */
    public String prompt(Problem problem) {
        return prompts.text(problem);
    }

    /** The prompt of the first held-out or training problem, to try the model with. */
    public String example() {
        return prompt(
                questions.isEmpty()
                        ? problems.training().problem(0)
                        : questions.getFirst().problem());
    }

    /**
     * How long the whole run takes, evaluations included, if responses are half as long as the limit: from a small piece
     * of the work, done and thrown away.
     */
    public double expectedSeconds() {
        int limit = recipe.sampling().maxNewTokens();
        int probe = Math.min(limit, 16);
        int[] prompt = prompts.encode(problems.training().problem(0));
        SamplingParams params = SamplingParams.of(probe, List.of());
        int workerCount = workers.count();
        List<RolloutRequest> requests = new ArrayList<>();
        for (int i = 0; i < workerCount; i++) {
            requests.add(RolloutRequest.of(i, prompt, recipe.decodeSlots()));
        }
        List<Rollout> rollouts;
        double perSampled;
        try (PolicyVersion version = policy.holdVersion()) {
            engine.publish(version);
            engine.generate(requests, params, rollout -> {});
            long start = System.nanoTime();
            rollouts = engine.generate(requests, params, rollout -> {});
            perSampled = (System.nanoTime() - start) / 1e9 / (rollouts.size() * (double) probe);
        } finally {
            engine.withdraw();
        }
        double perTrained = run.trainer()
                .learner()
                .secondsPerToken(rollouts.stream()
                        .map(rollout -> TrainingRow.of(rollout, 1))
                        .toList());
        double length = Math.max(1, limit / 2.0);
        double perIteration = recipe.groupsPerIteration() * (double) recipe.groupSize() * length;
        int every = recipe.evaluation().every();
        double evaluated = (2.0 + (every == 0 ? 0 : (recipe.iterations() - 1) / every))
                * questions.size()
                * Math.max(1, recipe.evaluation().samples())
                * length;
        return (perSampled * (perIteration * recipe.iterations() + evaluated)
                        + perTrained * perIteration / recipe.updatesPerIteration() * recipe.updates())
                / ranks.size();
    }

    /** The next iteration: how many are done. */
    public long iteration() {
        return run.iteration();
    }

    /** The held-out problems that are evaluated on: those whose prompts are not too long. */
    public List<Evaluator.Question> questions() {
        return questions;
    }

    /** Accuracy on the held-out problems before the first iteration, if it was measured. */
    public Optional<Accuracy> accuracyBefore() {
        return evaluations.after(0);
    }

    /** Accuracy of the policy as it is on the held-out problems, sampled as in training; kept in the run's folder. */
    public Evaluator.Result evaluate(Consumer<Rollout> finished) {
        return together(() -> RunFailure.keptOrOvercome(folder.path(), () -> evaluated(finished)));
    }

    private Evaluator.Result evaluated(Consumer<Rollout> finished) {
        long start = System.nanoTime();
        int samples = recipe.evaluation().samples();
        SamplingParams params =
                recipe.sampling().params(files.config().eosIds()).withGreedy(samples == 0);
        Evaluator.Result result;
        try (PolicyVersion version = policy.holdVersion()) {
            engine.publish(version);
            result = new Evaluator(engine, scoring, Journal.none(), conversations.continuations(), ranks.learning())
                    .evaluate(questions, params, Math.max(1, samples), finished);
        } catch (RefusedRewardException e) {
            throw run.stoppedBy(e);
        } finally {
            engine.withdraw();
        }
        if (ranks.isFirst()) {
            keepAnswers(result);
        }
        evaluations.record(iteration(), result.accuracy(), (System.nanoTime() - start) / 1e9);
        return result;
    }

    /** Writes the answers of an evaluation whole or not at all. */
    private void keepAnswers(Evaluator.Result result) {
        Path file = folder.answers(iteration());
        Path part = file.resolveSibling(file.getFileName() + ".part");
        try {
            Files.createDirectories(file.getParent());
            Files.deleteIfExists(part);
            try (JournalFile answers = JournalFile.open(part, 0)) {
                for (ScoredGroup group : result.groups()) {
                    for (int i = 0; i < group.rollouts().size(); i++) {
                        answers.append(
                                iteration(),
                                group.problem(),
                                group.rollouts().get(i),
                                group.scores().get(i));
                    }
                }
            }
            Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException("the answers must be writable, got: " + file, e);
        }
    }

    /** The evaluation that is due between two iterations, if one is. */
    private void evaluateBetween() {
        long done = iteration();
        int every = recipe.evaluation().every();
        if (every > 0
                && done > 0
                && done % every == 0
                && done < recipe.iterations()
                && !questions.isEmpty()
                && evaluations.after(done).isEmpty()) {
            Evaluator.Result result = evaluate(listener::rolloutFinished);
            listener.notice("after " + done + " of " + recipe.iterations() + " iterations: "
                    + result.accuracy().described());
        }
    }

    /** Tells the program, and evaluates where that is due. */
    private final class Listener implements RunListener {
        private final RunListener told;
        private final NoticesFile notices;
        private volatile long underWay;

        Listener(RunListener told, NoticesFile notices) {
            this.told = told;
            this.notices = notices;
        }

        @Override
        public void dataRead(Dataset.Pass pass, long done, long all) {
            told.dataRead(pass, done, all);
        }

        @Override
        public void rolloutFinished(Rollout rollout) {
            told.rolloutFinished(rollout);
        }

        @Override
        public void updated(int ordinal, Update update) {
            told.updated(ordinal, update);
        }

        @Override
        public void updateFinished(int update, int updates) {
            told.updateFinished(update, updates);
        }

        @Override
        public void rewardFailed(RewardFailure failure) {
            told.rewardFailed(failure);
        }

        @Override
        public void notice(String line) {
            notices.append(underWay, line);
            told.notice(line);
        }

        @Override
        public void iterationFinished(IterationReport report) {
            underWay = report.iteration() + 1;
            told.iterationFinished(report);
            evaluateBetween();
        }
    }

    /**
     * Trains until the last iteration, or until {@link #stop}.
     *
     * @return whether all iterations are done
     */
    public boolean run() {
        try {
            // One that a crash or Ctrl-C cut short.
            evaluateBetween();
        } catch (CancellationException e) {
            return false;
        }
        try {
            return together(() -> RunFailure.kept(folder.path(), run::run));
        } finally {
            failures.summarise();
        }
    }

    /** Whether updates were due and none of them changed the model. */
    public boolean isUnchanged() {
        return run.isUnchanged();
    }

    /**
     * All that {@code minpro train} does: the accuracy on the held-out problems, training to the last iteration, the model
     * saved, and the accuracy again. Of a run that is continued, what was measured before is taken from its folder.
     *
     * @return what became of it; not finished where it was stopped
     */
    public TrainingResult train() {
        boolean evaluates = !questions.isEmpty();
        try {
            if (evaluates && iteration() == 0 && accuracyBefore().isEmpty()) {
                evaluate(listener::rolloutFinished);
            }
            if (!run()) {
                return new TrainingResult(false, accuracyBefore(), Optional.empty(), Optional.empty());
            }
        } catch (CancellationException e) {
            return new TrainingResult(false, accuracyBefore(), Optional.empty(), Optional.empty());
        }
        Optional<Path> model = Optional.of(saveModel());
        Optional<Accuracy> after = Optional.empty();
        // As in follow(): several ranks do the same work.
        if (evaluates && (ranks.learning().isAlone() || !isUnchanged())) {
            try {
                after = Optional.of(evaluate(listener::rolloutFinished).accuracy());
            } catch (CancellationException e) {
                listener.notice("the evaluation was interrupted; the model is saved");
            }
        }
        return new TrainingResult(true, accuracyBefore(), after, model);
    }

    /**
     * What a rank that is not the first does in place of {@link #train}: the same work in the same order, of which the first
     * one keeps what comes out.
     *
     * @return whether all iterations are done
     */
    public boolean follow() {
        boolean evaluates = !questions.isEmpty();
        try {
            if (evaluates && iteration() == 0 && accuracyBefore().isEmpty()) {
                evaluate(rollout -> {});
            }
            if (!run()) {
                return false;
            }
            if (evaluates && !isUnchanged()) {
                evaluate(rollout -> {});
            }
            return true;
        } catch (CancellationException e) {
            return false;
        }
    }

    /** The processes of the run. */
    public Ranks ranks() {
        return ranks;
    }

    /** Asks the run to save itself and stop; from any thread. */
    public void stop() {
        run.stop();
        engine.cancel();
    }

    /**
     * Writes the trained model into the run's folder, in the layout and the types of the model it came from; of an adapter
     * that alone, as PEFT does. Where ranks have shared out the master weights, it is the model of the newest checkpoint, which
     * {@link #run} ends with.
     *
     * @return the folder
     */
    public Path saveModel() {
        if (!ranks.isFirst()) {
            throw new IllegalStateException("the first rank saves the model, got: " + ranks.named(ranks.rank()));
        }
        return together(() -> RunFailure.keptOrOvercome(folder.path(), this::writeModel));
    }

    private Path writeModel() {
        if (!policy.isSharedOut()) {
            return files.saveTrained(folder, policy.master());
        }
        try (Parameters whole = files.parameters(DType.F32)) {
            SequencedMap<String, Tensor> trained = new LinkedHashMap<>(whole.named());
            trained.keySet()
                    .retainAll(policy.model().parameters().trainableNamed().keySet());
            run.newest().ifPresent(checkpoint -> checkpoint.loadWeights(trained));
            return files.saveTrained(folder, whole);
        }
    }

    @Override
    public void close() {
        opened.close();
    }
}

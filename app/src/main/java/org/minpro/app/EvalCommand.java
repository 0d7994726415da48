package org.minpro.app;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Binder;
import org.minpro.config.Settings;
import org.minpro.environment.Environment;
import org.minpro.eval.Accuracy;
import org.minpro.eval.Evaluator;
import org.minpro.experience.Journal;
import org.minpro.experience.ScoredGroup;
import org.minpro.experience.Scoring;
import org.minpro.model.Kernels;
import org.minpro.model.Transformer;
import org.minpro.recipe.Recipe;
import org.minpro.reward.Reward;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.SamplingParams;
import org.minpro.run.Conversations;
import org.minpro.run.MemoryEstimate;
import org.minpro.run.ModelFiles;
import org.minpro.run.Positions;
import org.minpro.run.ProblemSets;
import org.minpro.run.Prompts;
import org.minpro.tensor.Device;
import org.minpro.tensor.Engine;
import org.minpro.tensor.Workers;
import org.minpro.text.Tokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code minpro eval}. */
@Command(
        name = "eval",
        mixinStandardHelpOptions = true,
        description = {
            "Measures how often a model answers right.",
            "",
            "Problems: those that a recipe holds out (without --config: of the built-in task), or all of --data. Each is"
                    + " answered --samples times as the recipe samples, or once with --greedy.",
            "Output: {\"accuracy\":…,\"low\":…,\"high\":…,\"problems\":…,\"samples\":…,\"undecided\":…,\"truncated\":…}:"
                    + " the mean reward over problems (avg@k) with its 95 %% interval, and the shares of responses that"
                    + " could not be judged and that were cut off.",
            "",
            "Benchmarks: --benchmarks LIST --benchmark-folder FOLDER --results FOLDER reads NAME.jsonl, as its public"
                    + " source has it, for each of aime24, aime25, amc23, math500, minerva, olympiadbench, gsm8k, svamp,"
                    + " multiarith. The prompt is the problem, a line feed and 'Please reason step by step, and put your"
                    + " final answer within \\boxed{}.', in the model's chat template if it has one; --prompt-template"
                    + " changes it: boxed (this one), dapo, question-answer, plain, or a text ({problem} stands for the problem,"
                    + " {{ and }} for braces). Sampling: temperature 0.6,"
                    + " top-p 0.95, at most 4096 new tokens, unless a recipe, --set or an option says otherwise. Answers"
                    + " are judged by the reward math.",
            "Output: a line of JSON for each benchmark: avg@k, pass@j for the powers of two j up to k, maj@k, each"
                    + " with its 95 %% interval clustered by problem, the shares truncated and undecided, tokens, time."
                    + " --results FOLDER gets results.json, results.csv, problems.jsonl and journal.jsonl; the same"
                    + " command continues an evaluation that was killed, and other settings are refused. See"
                    + " docs/benchmarks.md."
        })
final class EvalCommand implements Callable<Integer> {
    private final Console console;

    @Mixin
    private final MemoryCheck memory;

    @Mixin
    private final RecipeOptions options = new RecipeOptions();

    @Option(names = "--problems", paramLabel = "N", description = "At most so many problems.")
    private @Nullable String problems;

    @Option(
            names = "--samples",
            paramLabel = "K",
            description = "Responses to each problem; 0 for one of the most probable tokens.")
    private @Nullable String samples;

    @Option(names = "--greedy", description = "One response of the most probable tokens to each problem.")
    private boolean greedy;

    @Option(names = "--max-new-tokens", paramLabel = "N", description = "Longest response, tokens.")
    private @Nullable String maxNewTokens;

    @Option(
            names = "--completions",
            paramLabel = "FILE",
            description = "Writes each response with its score, as JSON lines.")
    private @Nullable Path completions;

    @Option(names = "--benchmarks", paramLabel = "LIST", split = ",", description = "Benchmarks by name, with commas.")
    private List<String> benchmarks = List.of();

    @Option(names = "--benchmark-folder", paramLabel = "FOLDER", description = "Where the benchmarks' files are.")
    private @Nullable Path benchmarkFolder;

    @Option(
            names = "--results",
            paramLabel = "FOLDER",
            description = "Folder of a benchmark evaluation, made or continued.")
    private @Nullable Path results;

    @Option(
            names = "--compare",
            paramLabel = "FOLDER",
            description = "Results of a finished benchmark evaluation; adds this minus that, paired by problem, with"
                    + " 95 %% intervals.")
    private @Nullable Path compare;

    EvalCommand(Console console, MemoryCheck memory) {
        this.console = console;
        this.memory = memory;
    }

    @Override
    public Integer call() {
        ClassLoader loader = options.loader();
        if (greedy && samples != null) {
            console.say("minpro: --samples has no effect with --greedy");
        }
        if (!benchmarks.isEmpty()) {
            evaluateBenchmarks(loader);
            return 0;
        }
        if (benchmarkFolder != null || results != null || compare != null) {
            throw new IllegalArgumentException(
                    "--benchmark-folder, --results and --compare must come with --benchmarks, got: none");
        }
        Recipe recipe = recipe(Recipe.binder(loader));
        try (Reward reward = recipe.createReward()) {
            evaluate(recipe, reward);
        }
        return 0;
    }

    private void evaluate(Recipe recipe, Reward reward) {
        int most = recipe.evaluation().problems();
        ProblemSets sets = ProblemSets.of(recipe.data(), recipe.seed(), most, (pass, done, all) -> {});
        sets.notices().forEach(line -> console.say("data: " + line));
        Device device = Engine.use(recipe.compute().device());
        ModelFiles files = ModelFiles.open(recipe.model(), recipe.adapter());
        Kernels.notices(device, files.computeType(recipe.model().dtype())).forEach(console::say);
        requireMemory(memory, recipe, files);
        int responses = greedy ? 1 : Math.max(1, recipe.evaluation().samples());
        SamplingParams params = recipe.sampling()
                .params(files.config().eosIds())
                .withGreedy(greedy || recipe.evaluation().samples() == 0);
        try (Environment environment = recipe.createEnvironment();
                Tokenizer tokenizer = files.tokenizer();
                Workers workers = new Workers(recipe.compute().threads());
                Transformer transformer =
                        files.transformer(files.computeType(recipe.model().dtype()));
                LocalRolloutEngine engine = LocalRolloutEngine.over(
                        transformer, workers, Evaluator.SLOTS, recipe.seed(), ids -> tokenizer.decode(ids, true));
                LiveLine live = new LiveLine(console)) {
            Prompts prompts = Prompts.of(recipe.prompts(), files, tokenizer, environment);
            List<Evaluator.Question> questions = questions(recipe, sets, prompts);
            requirePositions(questions, recipe, files, console);
            prompts.missingBeginOfSequence(questions.getFirst().promptIds())
                    .ifPresent(line -> console.say("minpro: " + line));
            prompts.unknownCharacters(questions.stream()
                            .map(Evaluator.Question::promptIds)
                            .toList())
                    .ifPresent(line -> console.say("minpro: " + line));
            reward.notices().forEach(line -> console.say("minpro: " + line));
            AtomicLong finished = new AtomicLong();
            long all = (long) questions.size() * responses;
            ShownRewardFailure failures = new ShownRewardFailure(live::say);
            Evaluator.Result result;
            try (Conversations conversations =
                    Conversations.of(environment, prompts, recipe.turns(), params, tokenizer)) {
                Reward read = conversations
                        .reward(reward, recipe.reward() != null)
                        .reading(prompts.marks(questions.getFirst().problem()));
                Scoring scoring = new Scoring(read, recipe.rewardBudgetSeconds(), failures::show);
                result = new Evaluator(engine, scoring, Journal.none(), conversations.continuations())
                        .evaluate(
                                questions,
                                params,
                                responses,
                                rollout -> live.show(finished.incrementAndGet() + " of " + all + " responses"));
            }
            live.close();
            report(result);
        }
    }

    /** Refuses questions that leave a response too few of the model's positions, and says where they do so and may. */
    static void requirePositions(List<Evaluator.Question> questions, Recipe recipe, ModelFiles files, Console console) {
        Positions positions = Positions.of(recipe.model(), files.config());
        Evaluator.Question longest = questions.stream()
                .max(Comparator.comparingInt(question -> question.promptIds().length))
                .orElseThrow();
        int newTokens = recipe.sampling().maxNewTokens();
        int prompt = longest.promptIds().length;
        positions.require(prompt, "problem " + longest.problem().id(), newTokens, "sampling.max-new-tokens");
        String beyond = positions.beyond(prompt, newTokens);
        if (beyond != null) {
            console.say("positions: " + beyond);
        }
    }

    static void requireMemory(MemoryCheck memory, Recipe recipe, ModelFiles files) {
        memory.require(
                MemoryEstimate.ofSampling(
                        files.config(),
                        files.computeType(recipe.model().dtype()),
                        recipe.compute().threads(),
                        Evaluator.SLOTS,
                        MemoryEstimate.longest(recipe)),
                "--max-new-tokens (" + recipe.sampling().maxNewTokens() + ") or compute.workers");
    }

    private void evaluateBenchmarks(ClassLoader loader) {
        if (benchmarkFolder == null || results == null) {
            throw new IllegalArgumentException("--benchmarks must come with --benchmark-folder and --results, got: no "
                    + (benchmarkFolder == null ? "--benchmark-folder" : "--results"));
        }
        if (options.givesData() || completions != null) {
            throw new IllegalArgumentException("--benchmarks must come without "
                    + (completions == null ? "--data" : "--completions (journal.jsonl has every response)"));
        }
        Recipe recipe = recipe(Recipe.binder(loader), BenchmarkEvaluation.DEFAULTS, settings());
        new BenchmarkEvaluation(console, memory, recipe, benchmarks, benchmarkFolder, results, greedy).run(compare);
    }

    private Settings settings() {
        Settings settings = options.settings();
        RecipeOptions.option(settings, "evaluation.problems", problems, "--problems");
        RecipeOptions.option(settings, "evaluation.samples", samples, "--samples");
        RecipeOptions.option(settings, "sampling.max-new-tokens", maxNewTokens, "--max-new-tokens");
        return settings;
    }

    /** All problems, unless the settings say how many. */
    private Recipe recipe(Binder binder, Recipe defaults, Settings settings) {
        return options.recipe(binder, defaults.with("evaluation.problems", Integer.MAX_VALUE), settings, console);
    }

    private Recipe recipe(Binder binder) {
        Settings settings = settings();
        Recipe recipe = recipe(binder, new Recipe(), settings);
        if (recipe.data().isBuiltin() && recipe.evaluation().problems() == Integer.MAX_VALUE) {
            recipe =
                    recipe.with("evaluation.problems", new Recipe().evaluation().problems());
        }
        boolean all =
                options.givesData() && !settings.gives("data.held-out") && !settings.gives("data.evaluation-files");
        return all ? recipe.with("data.evaluation-files", recipe.data().files()) : recipe;
    }

    private List<Evaluator.Question> questions(Recipe recipe, ProblemSets sets, Prompts prompts) {
        List<Evaluator.Question> questions = prompts.questions(sets.heldOut());
        int skipped = sets.heldOut().size() - questions.size();
        if (skipped > 0) {
            console.say("minpro: " + skipped + " prompts are longer than prompts.max-tokens ("
                    + recipe.prompts().maxTokens() + ") and are skipped");
        }
        if (questions.isEmpty()) {
            throw new IllegalArgumentException(
                    "there must be problems to evaluate on, got: none of " + sets.description());
        }
        return questions;
    }

    private void report(Evaluator.Result result) {
        if (completions != null) {
            write(result, completions);
        }
        Accuracy accuracy = result.accuracy();
        console.say(accuracy
                + String.format(
                        Locale.ROOT,
                        ", %d responses each; undecided %.1f %%, cut off %.1f %%",
                        accuracy.samples(),
                        100 * accuracy.undecided(),
                        100 * accuracy.truncated()));
        console.result(new JsonLine()
                .with("accuracy", finite(accuracy.mean()))
                .with("low", finite(accuracy.low()))
                .with("high", finite(accuracy.high()))
                .with("problems", accuracy.problems())
                .with("samples", accuracy.samples())
                .with("undecided", accuracy.undecided())
                .with("truncated", accuracy.truncated())
                .toString());
    }

    private static @Nullable Double finite(double value) {
        return Double.isFinite(value) ? value : null;
    }

    private static void write(Evaluator.Result result, Path file) {
        try (BufferedWriter writer = Files.newBufferedWriter(file, StandardCharsets.UTF_8)) {
            for (ScoredGroup group : result.groups()) {
                for (int i = 0; i < group.rollouts().size(); i++) {
                    Rollout rollout = group.rollouts().get(i);
                    var score = group.scores().get(i);
                    writer.write(new JsonLine()
                            .with("id", group.problem().id())
                            .with("sample", rollout.sample())
                            .with("gold", group.problem().answer())
                            .with("answer", rollout.text())
                            .with("score", score.decided() ? score.value() : null)
                            .with("reason", score.reason())
                            .with("completion_ids", rollout.responseIds())
                            .with("finish", rollout.finish() == Rollout.Finish.STOP ? "stop" : "length")
                            .toString());
                    writer.write('\n');
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be written: " + e.getMessage(), e);
        }
    }
}

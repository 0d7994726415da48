package org.minpro.app;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Binder;
import org.minpro.data.DataException;
import org.minpro.data.Problem;
import org.minpro.eval.Benchmark;
import org.minpro.eval.BenchmarkReport;
import org.minpro.eval.BenchmarkResult;
import org.minpro.eval.Evaluator;
import org.minpro.model.Transformer;
import org.minpro.recipe.Recipe;
import org.minpro.reward.MathReward;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.rollout.SamplingParams;
import org.minpro.run.BenchmarkRun;
import org.minpro.run.ModelFiles;
import org.minpro.run.Prompts;
import org.minpro.tensor.DType;
import org.minpro.tensor.Engine;
import org.minpro.tensor.Workers;
import org.minpro.text.Tokenizer;
import org.minpro.verify.Verifier;

/** {@code minpro eval --benchmarks}: from a recipe and a folder of files to a folder of results. */
final class BenchmarkEvaluation {
    /** What suits a reasoning model and differs from a recipe's own defaults, which are those of the built-in run. */
    static final Recipe DEFAULTS = new Recipe()
            .with("reward", new MathReward())
            .with("sampling.max-new-tokens", 4096)
            .with("sampling.temperature", 0.6)
            .with("sampling.top-p", 0.95)
            .with("prompts.max-tokens", 4096);

    private final Console console;
    private final MemoryCheck memory;
    private final Recipe recipe;
    private final Path results;
    private final MathReward reward;
    /** The reward's, with the marks of the model's template once that is known. */
    private Verifier verifier;

    private final Map<Benchmark, Path> files = new LinkedHashMap<>();
    private final boolean greedy;
    private final int samples;

    /**
     * @param names benchmarks
     * @param folder holds their files
     * @param results the folder of this evaluation, made or continued
     * @param greedy whether one response of the most probable tokens is taken
     */
    BenchmarkEvaluation(
            Console console,
            MemoryCheck memory,
            Recipe recipe,
            List<String> names,
            Path folder,
            Path results,
            boolean greedy) {
        this.console = console;
        this.memory = memory;
        if (!(recipe.reward() instanceof MathReward math)) {
            throw new IllegalArgumentException(
                    "benchmarks are judged by the reward math (its answer-from and occurrence can be set), got: "
                            + (recipe.reward() == null
                                    ? "none"
                                    : Recipe.rewards().nameOf(recipe.reward())));
        }
        // What a benchmark reports is a share of right answers.
        this.reward = new MathReward(math.answerFrom(), math.occurrence(), 1, 0);
        this.verifier = reward.verifier();
        this.greedy = greedy || recipe.evaluation().samples() == 0;
        this.samples = this.greedy ? 1 : recipe.evaluation().samples();
        for (String name : names) {
            Benchmark benchmark = Benchmark.of(name.strip());
            if (files.put(benchmark, benchmark.file(folder)) != null) {
                throw new IllegalArgumentException("--benchmarks must name each once, got: " + name + " again");
            }
        }
        this.recipe = dated(recipe, results);
        this.results = results;
    }

    /** The date that chat templates see: what is asked for, else that of the folder, else today. */
    private static Recipe dated(Recipe recipe, Path results) {
        if (recipe.prompts().date() != null) {
            return recipe;
        }
        String date = BenchmarkRun.settings(results)
                .map(settings -> settings.path("prompts").path("date").stringValue(null))
                .orElse(null);
        return Binder.with(
                recipe,
                "prompts.date",
                date == null ? LocalDate.now(ZoneId.systemDefault()).toString() : date);
    }

    /**
     * Evaluates, or goes on where the folder's process ended.
     *
     * @param other the folder of a finished one to compare with, or null
     */
    void run(@Nullable Path other) {
        Map<String, BenchmarkResult> others = other == null ? Map.of() : BenchmarkRun.read(other);
        Set<String> missing = new TreeSet<>();
        files.keySet().forEach(benchmark -> missing.add(benchmark.name()));
        missing.removeAll(others.keySet());
        if (other != null && !missing.isEmpty()) {
            throw new DataException("a folder to compare with must have each benchmark, got: " + other + " without "
                    + String.join(", ", missing));
        }
        String template = recipe.data().promptTemplate() == null
                ? Benchmark.PROMPT_TEMPLATE
                : Benchmark.template(recipe.data().promptTemplate());
        // All files are read before a model takes minutes on the first.
        Map<Benchmark, List<Problem>> problems = new LinkedHashMap<>();
        files.forEach((benchmark, file) -> problems.put(
                benchmark, benchmark.read(file, template, recipe.evaluation().problems())));
        Engine.use(recipe.compute().device());
        ModelFiles model = ModelFiles.open(recipe.model(), recipe.adapter());
        DType compute = model.computeType(recipe.model().dtype());
        EvalCommand.requireMemory(memory, recipe, model);
        SamplingParams params = sampling(model);
        List<BenchmarkReport> reports = new ArrayList<>();
        try (BenchmarkRun run = BenchmarkRun.open(results, settings(model, compute, params, template));
                Tokenizer tokenizer = model.tokenizer();
                Workers workers = new Workers(recipe.compute().threads());
                Transformer transformer = model.transformer(compute);
                LocalRolloutEngine engine = LocalRolloutEngine.over(
                        transformer, workers, Evaluator.SLOTS, recipe.seed(), ids -> tokenizer.decode(ids, true));
                LiveLine live = new LiveLine(console)) {
            Prompts prompts = Prompts.of(recipe.prompts(), model, tokenizer);
            Map<Benchmark, List<Evaluator.Question>> questions = new LinkedHashMap<>();
            problems.forEach((benchmark, all) -> questions.put(benchmark, questions(benchmark, all, prompts)));
            EvalCommand.requirePositions(
                    questions.values().stream().flatMap(List::stream).toList(), recipe, model, console);
            verifier = reward.verifier()
                    .reading(prompts.marks(
                            questions.values().iterator().next().getFirst().problem()));
            problems.forEach((benchmark, all) -> reports.add(report(
                    benchmark, questions.getOrDefault(benchmark, List.of()), all.size(), run, engine, params, live)));
            live.close();
            run.write(reports);
        }
        table(reports);
        for (BenchmarkReport report : reports) {
            JsonLine line = new JsonLine();
            report.json().forEach(line::with);
            BenchmarkResult before = others.get(report.result().benchmark());
            if (before != null) {
                BenchmarkResult.Comparison comparison = report.result().minus(before);
                line.with(
                        "difference",
                        Map.of(
                                "problems", comparison.problems(),
                                "metrics", BenchmarkReport.json(comparison.differences())));
                say(comparison);
            }
            console.result(line.toString());
        }
        console.say("results: " + results);
    }

    private BenchmarkReport report(
            Benchmark benchmark,
            List<Evaluator.Question> questions,
            int problems,
            BenchmarkRun run,
            LocalRolloutEngine engine,
            SamplingParams params,
            LiveLine live) {
        AtomicLong responses = new AtomicLong();
        AtomicLong tokens = new AtomicLong();
        long start = System.nanoTime();
        BenchmarkResult result = run.evaluate(benchmark, questions, engine, params, samples, verifier, rollout -> {
            tokens.addAndGet(rollout.length());
            live.show(benchmark.title() + ": " + responses.incrementAndGet() + " responses generated, of "
                    + questions.size() * (long) samples + " with those that the folder had");
        });
        return new BenchmarkReport(
                result, problems - questions.size(), (System.nanoTime() - start) / 1e9, tokens.get());
    }

    private List<Evaluator.Question> questions(Benchmark benchmark, List<Problem> problems, Prompts prompts) {
        List<Evaluator.Question> questions = prompts.questions(problems);
        int skipped = problems.size() - questions.size();
        if (skipped > 0) {
            console.say("minpro: " + skipped + " prompts of " + benchmark.title() + " are longer than"
                    + " prompts.max-tokens (" + recipe.prompts().maxTokens() + ") and are skipped");
        }
        if (questions.isEmpty()) {
            throw new IllegalArgumentException(
                    "there must be problems to evaluate on, got: none of " + benchmark.title());
        }
        return questions;
    }

    /** As the recipe says; where it names no stop texts, those of the named prompt end a response. */
    private SamplingParams sampling(ModelFiles model) {
        SamplingParams params =
                recipe.sampling().params(model.config().eosIds()).withGreedy(greedy);
        String name = recipe.data().promptTemplate();
        if (name == null || !params.stop().isEmpty() || recipe.sampling().ignoreEos()) {
            return params;
        }
        return params.withStop(Benchmark.stop(name));
    }

    /** All that decides what the responses are and how they are judged. */
    private Map<String, Object> settings(ModelFiles model, DType compute, SamplingParams params, String template) {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("seed", recipe.seed());
        settings.put("samples", samples);
        settings.put("problems", recipe.evaluation().problems());
        settings.put("model", Map.of("sha256", model.sha256(), "dtype", compute.name()));
        settings.put("sampling", params);
        Map<String, @Nullable Object> prompts = new LinkedHashMap<>();
        prompts.put("template", template);
        prompts.put("chat_template", recipe.prompts().chatTemplate());
        prompts.put("system_prompt", recipe.prompts().systemPrompt());
        prompts.put("template_variables", recipe.prompts().templateVariables());
        prompts.put("date", recipe.prompts().date());
        prompts.put("max_tokens", recipe.prompts().maxTokens());
        settings.put("prompts", prompts);
        settings.put("reward", Recipe.rewards().parameters(reward));
        Map<String, String> hashes = new LinkedHashMap<>();
        files.forEach((benchmark, file) -> hashes.put(benchmark.name(), sha256(file)));
        settings.put("benchmarks", hashes);
        return settings;
    }

    private static String sha256(Path file) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be read: " + e.getMessage(), e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private void table(List<BenchmarkReport> reports) {
        String pass = "pass@" + Integer.highestOneBit(samples);
        console.say("");
        console.say(String.format(
                Locale.ROOT,
                "%-13s %8s  %-20s %-20s %-20s %9s %9s %10s %8s",
                "in %",
                "problems",
                "avg@" + samples,
                pass,
                "maj@" + samples,
                "cut off",
                "undecided",
                "tokens",
                "time"));
        for (BenchmarkReport report : reports) {
            BenchmarkResult result = report.result();
            var metrics = result.metrics();
            console.say(String.format(
                    Locale.ROOT,
                    "%-13s %8d  %-20s %-20s %-20s %9.1f %9.1f %10s %8s",
                    Benchmark.of(result.benchmark()).title(),
                    result.outcomes().size(),
                    metrics.get("avg@" + samples),
                    metrics.get(pass),
                    metrics.get("maj@" + samples),
                    100 * result.truncated(),
                    100 * result.undecided(),
                    Figures.count(result.tokens()),
                    Figures.duration(report.seconds())));
        }
        console.say("");
    }

    private void say(BenchmarkResult.Comparison comparison) {
        StringBuilder line = new StringBuilder(String.format(
                Locale.ROOT,
                "%-13s %8d  difference",
                Benchmark.of(comparison.benchmark()).title(),
                comparison.problems()));
        comparison
                .differences()
                .forEach((metric, estimate) ->
                        line.append("  ").append(metric).append(' ').append(estimate));
        console.say(line.toString());
    }
}

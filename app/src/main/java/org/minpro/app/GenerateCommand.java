package org.minpro.app;

import java.nio.file.Files;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.minpro.data.JsonlReader;
import org.minpro.data.Row;
import org.minpro.model.Kernels;
import org.minpro.model.Transformer;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.Sampling;
import org.minpro.rollout.SamplingParams;
import org.minpro.run.MemoryEstimate;
import org.minpro.run.ModelFiles;
import org.minpro.run.Positions;
import org.minpro.run.Prompts;
import org.minpro.tensor.Engine;
import org.minpro.tensor.Workers;
import org.minpro.text.TextException;
import org.minpro.text.Tokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code minpro generate}. */
@Command(
        name = "generate",
        mixinStandardHelpOptions = true,
        description = {
            "Samples completions.",
            "",
            "Input lines: {\"ids\":[…]}, {\"prompt\":\"…\"} or {\"messages\":[…]} (through the model's chat template,"
                    + " with what apply_chat_template of transformers takes: tools, documents, add_generation_prompt"
                    + " (true by default), continue_final_message (true, or the member to continue) and"
                    + " template_variables or chat_template_kwargs); or --prompt. Any other field is an error. No token"
                    + " is added.",
            "Output, --samples lines for each input, in order: {\"sample\":0,\"completion_ids\":[…],\"log_probs\":[…],"
                    + "\"text\":\"…\",\"finish\":\"stop|length\"}. The stop id belongs to the completion, text leaves"
                    + " special tokens out (null without a tokenizer), log_probs are those of the sampling"
                    + " temperature before any truncation (of temperature 1 with --greedy)."
        })
final class GenerateCommand implements Callable<Integer> {
    private static final int MOST_SAMPLES = 1 << 20;

    /** A recipe's defaults. */
    private static final Sampling USUAL = new Sampling();

    private static final int USUAL_LIMIT = 256;
    private static final String LIMIT = "--max-new-tokens";

    private final Console console;

    @Mixin
    private final MemoryCheck memory;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Option(
            names = "--input",
            paramLabel = "F",
            description = "JSONL file to read, one JSON object a line; - for stdin.")
    private @Nullable String input;

    @Option(
            names = "--prompt",
            paramLabel = "TEXT",
            description = "One raw prompt, without the chat template, in place of --input; for chat models add --chat.")
    private @Nullable String prompt;

    @Option(
            names = "--chat",
            description = "The prompt (of --prompt, or of each line) is a user's message: it goes through the model's"
                    + " chat template.")
    private boolean chat;

    @Option(
            names = "--greedy",
            description =
                    "Take the most probable token each time; temperature, top-k, top-p and min-p have no effect then.")
    private boolean greedy;

    @Option(names = "--temperature", paramLabel = "T", description = "Divides the logits; 1 by default.")
    private double temperature = USUAL.temperature();

    @Option(
            names = "--top-k",
            paramLabel = "K",
            description = "Sample from the K most probable tokens; 0 (default): all.")
    private int topK = USUAL.topK();

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "Sample from the smallest set of most probable tokens with this mass; 1 (default): all.")
    private double topP = USUAL.topP();

    @Option(
            names = "--min-p",
            paramLabel = "P",
            description = "Sample from tokens at least P times as probable as the most probable; 0 (default): all.")
    private double minP = USUAL.minP();

    @Option(names = "--samples", paramLabel = "K", description = "Completions of each input; 1 by default.")
    private int samples = 1;

    @Option(
            names = LIMIT,
            paramLabel = "N",
            description =
                    "Longest completion, tokens, the stop id included; by default 256, or what the prompt leaves of"
                            + " the model's positions.")
    private @Nullable Integer maxNewTokens;

    @Mixin
    private final PositionOption positionOption = new PositionOption();

    @Option(names = "--ignore-eos", description = "Go on to --max-new-tokens whatever is sampled.")
    private boolean ignoreEos;

    @Option(
            names = "--stop-token-id",
            paramLabel = "ID",
            description = "An id that ends a completion, besides the model's own; may be repeated.")
    private List<Integer> stopTokenIds = List.of();

    @Option(
            names = "--stop",
            paramLabel = "TEXT",
            description =
                    "A text that ends a completion: the token that completes it is the last, and the text shown ends"
                            + " before it; may be repeated.")
    private List<String> stop = List.of();

    @Option(names = "--seed", paramLabel = "S", description = "A different seed gives other samples; 1 by default.")
    private long seed = 1;

    @Option(
            names = "--date",
            paramLabel = "D",
            converter = DateConverter.class,
            description = "The date that chat templates see, YYYY-MM-DD; by default today.")
    private @Nullable LocalDate date;

    GenerateCommand(Console console, MemoryCheck memory) {
        this.console = console;
        this.memory = memory;
    }

    @Override
    public Integer call() {
        if ((input == null) == (prompt == null)) {
            throw new ParameterException(spec.commandLine(), "either --input or --prompt must be given");
        }
        if (samples < 1 || samples > MOST_SAMPLES) {
            throw new ParameterException(
                    spec.commandLine(), "--samples must be in [1, " + MOST_SAMPLES + "], got: " + samples);
        }
        int most = maxNewTokens == null ? USUAL_LIMIT : maxNewTokens;
        Sampling sampling = new Sampling(temperature, topK, topP, minP, most, stopTokenIds, stop, ignoreEos);
        if (greedy) {
            sayUnused("--greedy", "--temperature", "--top-k", "--top-p", "--min-p");
        }
        if (ignoreEos) {
            sayUnused("--ignore-eos", "--stop-token-id", "--stop");
        }
        ModelFiles files = model.open();
        Kernels.notices(Engine.device(), model.type(files)).forEach(console::say);
        SamplingParams params = sampling.params(files.config().eosIds()).withGreedy(greedy);
        Positions positions = positionOption.of(files.config());
        positions.require(1, "any prompt, at least,", maxNewTokens == null ? 1 : most, LIMIT);
        memory.require(
                MemoryEstimate.ofSampling(
                        files.config(),
                        model.type(files),
                        blocks(),
                        LocalRolloutEngine.FEWEST_SLOTS,
                        // Prompts are not read yet; the limit is what makes a cache large.
                        most + 1L),
                LIMIT + " (" + most + ") or --workers");
        boolean tokenizerThere = Files.exists(files.path().resolve("tokenizer.json"));
        LocalDate day = date == null ? LocalDate.now(ZoneId.systemDefault()) : date;
        try (Texts texts = new Texts(files.path(), day, console);
                Workers workers = model.workers();
                Transformer transformer = model.transformer(files);
                LiveLine live = new LiveLine(console)) {
            Tokenizer decoder = tokenizerThere ? decoder(texts) : null;
            Function<int[], String> text = decoder == null ? ids -> "" : ids -> decoder.decode(ids, true);
            try (LocalRolloutEngine engine =
                    LocalRolloutEngine.over(transformer, workers, LocalRolloutEngine.FEWEST_SLOTS, seed, text)) {
                Run run = new Run(engine, params, decoder != null, live);
                if (prompt != null) {
                    int[] ids = encoded(
                            chat ? texts.chat(prompt) : prompt,
                            texts,
                            transformer.config().vocabSize());
                    int limit = limit(ids.length, positions);
                    positions.require(ids.length, "--prompt", limit, LIMIT);
                    run.add(ids, limit);
                } else {
                    readInto(run, String.valueOf(input), texts, positions, workers.count());
                }
                run.flush();
            }
        }
        return 0;
    }

    /** Longest completion of a prompt: what is asked for, else the usual one as far as the positions go. */
    private int limit(int prompt, Positions positions) {
        return maxNewTokens != null ? maxNewTokens : Math.clamp(positions.left(prompt), 1, USUAL_LIMIT);
    }

    /** Workers that get responses at once. */
    private int blocks() {
        int threads = model.threads();
        return prompt == null
                ? threads
                : Math.min(threads, (samples + LocalRolloutEngine.FEWEST_SLOTS - 1) / LocalRolloutEngine.FEWEST_SLOTS);
    }

    /** The tokenizer for the completions' texts; ids need none, so one that is broken only leaves the texts out. */
    private @Nullable Tokenizer decoder(Texts texts) {
        try {
            return texts.decoder();
        } catch (TextException e) {
            if (prompt != null) {
                throw e;
            }
            console.say("minpro: completions have no text: " + e.getMessage());
            return null;
        }
    }

    private static int[] encoded(String prompt, Texts texts, int vocabulary) {
        int[] ids = texts.encode(prompt);
        if (ids.length == 0) {
            throw new IllegalArgumentException("--prompt must have at least one token, got: none");
        }
        Prompts.requireVocabulary(ids, vocabulary, "--prompt");
        return ids;
    }

    /** Says which of the options given do nothing beside another. */
    private void sayUnused(String stronger, String... weaker) {
        for (String option : weaker) {
            if (spec.commandLine().getParseResult().hasMatchedOption(option)) {
                console.say("minpro: " + option + " has no effect with " + stronger);
            }
        }
    }

    private void readInto(Run run, String source, Texts texts, Positions positions, int workers) {
        // Enough for every worker's slots twice over, so that few of them are empty at a batch's end.
        int rows = 2 * workers * LocalRolloutEngine.FEWEST_SLOTS;
        try (JsonlReader reader = InputOptions.open(source, console)) {
            for (Row row = reader.next(); row != null; row = reader.next()) {
                int[] ids = ids(row, texts);
                if (ids.length == 0) {
                    throw row.error("the prompt must have at least one token, got: none");
                }
                Ids.check(row, ids, positions.model().vocabSize());
                int limit = limit(ids.length, positions);
                String problem = positions.problem(ids.length, "this line", limit, LIMIT);
                if (problem != null) {
                    throw row.error(problem);
                }
                run.add(ids, limit);
                if ((long) run.waiting.size() * samples >= rows) {
                    run.flush();
                }
            }
        } catch (RuntimeException e) {
            run.flush();
            throw e;
        }
    }

    private int[] ids(Row row, Texts texts) {
        Texts.requireKnown(row, List.of("ids", "prompt"));
        int forms = (row.has("ids") ? 1 : 0) + (row.has("prompt") ? 1 : 0) + (row.has("messages") ? 1 : 0);
        if (forms != 1) {
            throw row.error("must have one of 'ids', 'prompt' and 'messages'");
        }
        if (row.has("ids")) {
            return row.ids("ids");
        }
        if (row.has("messages")) {
            return texts.encode(texts.render(row, true));
        }
        String text = row.string("prompt");
        return texts.encode(chat ? texts.chat(text) : text);
    }

    /** Prompts that wait to be sampled from, a batch at a time. */
    private final class Run {
        private final LocalRolloutEngine engine;
        private final SamplingParams params;
        private final boolean withText;
        private final LiveLine live;
        private final List<RolloutRequest> waiting = new ArrayList<>();
        private int limitOfWaiting;
        private final AtomicLong completions = new AtomicLong();
        private final AtomicLong tokens = new AtomicLong();
        private final long start = System.nanoTime();
        private long draws;

        Run(LocalRolloutEngine engine, SamplingParams params, boolean withText, LiveLine live) {
            this.engine = engine;
            this.params = params;
            this.withText = withText;
            this.live = live;
        }

        void add(int[] promptIds, int limit) {
            if (limit != limitOfWaiting) {
                flush();
                limitOfWaiting = limit;
            }
            // The line's ordinal is the draw, so what is sampled for it does not depend on how lines are batched.
            waiting.add(RolloutRequest.of(draws++, promptIds, samples));
        }

        void flush() {
            if (waiting.isEmpty()) {
                return;
            }
            SamplingParams limited = params.withMaxNewTokens(limitOfWaiting);
            List<Rollout> rollouts = engine.generate(List.copyOf(waiting), limited, rollout -> {
                long all = tokens.addAndGet(rollout.length());
                live.show(String.format(
                        "%d completions, %.0f tokens/s",
                        completions.incrementAndGet(), all / Math.max(1e-9, (System.nanoTime() - start) / 1e9)));
            });
            waiting.clear();
            live.close();
            for (Rollout rollout : rollouts) {
                console.result(new JsonLine()
                        .with("sample", rollout.sample())
                        .with("completion_ids", rollout.responseIds())
                        .withLogProbs(
                                0,
                                IntStream.range(0, rollout.length())
                                        .mapToDouble(t -> rollout.behaviorLogProbs()[t])
                                        .toArray())
                        .with("text", withText ? rollout.text() : null)
                        .with("finish", rollout.finish() == Rollout.Finish.STOP ? "stop" : "length")
                        .toString());
            }
            console.flush();
        }
    }
}

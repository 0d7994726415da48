package org.minpro.run;

import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.minpro.data.Message;
import org.minpro.data.Problem;
import org.minpro.eval.Evaluator;
import org.minpro.eval.SequenceScorer;
import org.minpro.model.PolicyVersion;
import org.minpro.model.Transformer;
import org.minpro.recipe.ModelSection;
import org.minpro.recipe.PromptSection;
import org.minpro.reward.Reward;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.Sampling;
import org.minpro.rollout.SamplingParams;
import org.minpro.rollout.TokenListener;
import org.minpro.tensor.Engine;
import org.minpro.tensor.Workers;
import org.minpro.text.ChatTemplate;
import org.minpro.text.TextException;
import org.minpro.text.TextStream;
import org.minpro.text.Tokenizer;
import org.minpro.train.ComputeSettings;

/**
 * A model to ask: it generates, chats and scores.
 *
 * <pre>{@code
 * try (LanguageModel model = LanguageModel.load(Path.of("my-model"))) {
 *     String text = model.generate("Once upon a time");
 *     model.generate("Once upon a time", Decoding.sampled(0.7, 200), System.out::print);   // as it is written
 *     List<Rollout> all = model.generate(List.of("2+2=", "3+3="), Decoding.greedy(20), 1); // a batch
 *     String answer = model.chat(List.of(new Message("user", "Who are you?")), Decoding.greedy(100));
 *     double[] logProbs = model.score("2+2=", "4");                                        // of each token of "4"
 * }
 * }</pre>
 *
 * <p>A prompt is taken as it is: no template and no token is added. {@link #chat} goes through the model's chat template.
 * What is sampled depends on the seed and on how many prompts came before, not on what is beside it in a batch. One
 * thread at a time may use it; it computes on several.
 */
public final class LanguageModel implements AutoCloseable {
    private final OpenResources opened = new OpenResources();
    private final ModelFiles files;
    private final Tokenizer tokenizer;
    private final @Nullable ChatTemplate template;
    private final SequenceScorer scorer;
    private final LocalRolloutEngine engine;
    private long draws;

    /**
     * How a model is loaded.
     *
     * @param device {@code auto}, {@code cpu}, {@code cuda} or {@code cuda:N}
     * @param dtype what is computed in; null for the folder's type
     * @param workers threads that compute
     * @param seed of what is sampled
     * @param date that chat templates see
     */
    public record Settings(String device, ModelSection.@Nullable Dtype dtype, int workers, long seed, LocalDate date) {
        /** A GPU where one can be used, the folder's type, a thread a core, seed 0, today. */
        public Settings() {
            this("auto", null, new ComputeSettings().threads(), 0, LocalDate.now(ZoneId.systemDefault()));
        }
    }

    /**
     * How tokens are chosen.
     *
     * @param sampling temperature, truncation, the limit of new tokens
     * @param greedy whether the most probable token is taken, whatever the temperature
     */
    public record Decoding(Sampling sampling, boolean greedy) {
        /** Up to 256 tokens at temperature 1, as {@code minpro generate}. */
        public Decoding() {
            this(new Sampling(1, 0, 1, 0, 256, List.of(), List.of(), false), false);
        }

        /** The most probable tokens. */
        public static Decoding greedy(int maxNewTokens) {
            return new Decoding(new Sampling(1, 0, 1, 0, maxNewTokens, List.of(), List.of(), false), true);
        }

        /** Tokens of the whole distribution at this temperature. */
        public static Decoding sampled(double temperature, int maxNewTokens) {
            return new Decoding(new Sampling(temperature, 0, 1, 0, maxNewTokens, List.of(), List.of(), false), false);
        }
    }

    private LanguageModel(ModelFiles files, Settings settings) {
        this.files = files;
        try {
            Engine.use(settings.device());
            tokenizer = opened.add(files.tokenizer());
            template = files.chatTemplate(settings.date()).orElse(null);
            Workers workers = opened.add(new Workers(settings.workers()));
            Transformer transformer = opened.add(files.transformer(files.computeType(settings.dtype())));
            opened.add(transformer.parameters());
            PolicyVersion version = opened.add(new PolicyVersion(0, transformer));
            scorer = new SequenceScorer(version.model(), workers);
            engine = opened.add(
                    new LocalRolloutEngine(workers, LocalRolloutEngine.FEWEST_SLOTS, settings.seed(), this::text));
            engine.publish(version);
        } catch (RuntimeException | Error e) {
            opened.closeAfter(e);
            throw e;
        }
    }

    /**
     * Loads a Hugging Face folder, such as one that {@link TrainingSession#saveModel} wrote.
     *
     * @throws org.minpro.model.ModelFormatException if it is no model that is supported
     * @throws TextException if it has no tokenizer that can be read
     */
    public static LanguageModel load(Path folder) {
        return load(folder.toString(), new Settings());
    }

    /**
     * Loads a model.
     *
     * @param model {@value ModelSection#BUILTIN}, a Hugging Face folder, or that of an adapter
     */
    public static LanguageModel load(String model, Settings settings) {
        return load(ModelFiles.open(model), settings);
    }

    /** Loads a model whose files are open, such as one {@linkplain ModelFiles#withAdapter with an adapter}. */
    public static LanguageModel load(ModelFiles files, Settings settings) {
        return new LanguageModel(files, settings);
    }

    private String text(int[] ids) {
        return tokenizer.decode(ids, true);
    }

    /** The files that it came from: configuration, tokenizer, chat template. */
    public ModelFiles files() {
        return files;
    }

    /** A completion of a prompt, up to 256 tokens at temperature 1. */
    public String generate(String prompt) {
        return generate(prompt, new Decoding());
    }

    /** A completion of a prompt, without special tokens. */
    public String generate(String prompt, Decoding decoding) {
        return generate(prompt, decoding, piece -> {});
    }

    /**
     * A completion of a prompt, told as it is written.
     *
     * @param piece told of each piece of text, whole characters, from a thread that computes: it must return soon
     * @return all pieces in one
     */
    public String generate(String prompt, Decoding decoding, Consumer<String> piece) {
        return complete(List.of(ids(prompt)), decoding, 1, (of, sample, text) -> piece.accept(text))
                .getFirst()
                .text();
    }

    /** Told of a batch's texts as they are written. */
    @FunctionalInterface
    public interface PieceListener {
        /**
         * A piece of a completion: whole characters. Pieces of one completion come in order, those of several from several
         * threads at once.
         *
         * @param prompt ordinal in the batch
         * @param sample ordinal of the completion of that prompt
         */
        void piece(int prompt, int sample, String text);
    }

    /**
     * Completions of several prompts, computed together.
     *
     * @param samples completions of each prompt
     * @return with ids, log-probabilities, text and why each ended; in the order of the prompts and of their samples
     */
    public List<Rollout> generate(List<String> prompts, Decoding decoding, int samples) {
        return generate(prompts, decoding, samples, (prompt, sample, text) -> {});
    }

    /** As {@link #generate(List, Decoding, int)}, told as they are written. */
    public List<Rollout> generate(List<String> prompts, Decoding decoding, int samples, PieceListener pieces) {
        return complete(prompts.stream().map(this::ids).toList(), decoding, samples, pieces);
    }

    /** The answer to a conversation, through the model's chat template. */
    public String chat(List<Message> messages, Decoding decoding) {
        return chat(messages, decoding, piece -> {});
    }

    /**
     * The answer to a conversation, told as it is written. To go on, add it to the messages as one of the role
     * {@code assistant}.
     *
     * @param messages the last one is mostly of the role {@code user}
     * @throws TextException if the model has no chat template, or it does not take these messages
     */
    public String chat(List<Message> messages, Decoding decoding, Consumer<String> piece) {
        return generate(chatPrompt(messages), decoding, piece);
    }

    /** The text that {@link #chat} has continued. */
    public String chatPrompt(List<Message> messages) {
        if (template == null) {
            throw new TextException("a chat needs a model with a chat template, got: " + files.path()
                    + ", which has none; give a plain prompt instead");
        }
        List<Map<String, String>> fields = messages.stream()
                .map(message -> Map.of("role", message.role(), "content", message.content()))
                .toList();
        return template.render(fields, null, true, Map.of());
    }

    /** The log-probabilities of a completion's tokens, nats, at temperature 1, each given the prompt and all before it. */
    public double[] score(String prompt, String completion) {
        return score(List.of(ids(prompt)), List.of(tokenizer.encode(completion)))
                .getFirst();
    }

    /**
     * The log-probabilities of the tokens of several completions, nats, at temperature 1.
     *
     * @param promptIds at least one token each
     * @param completionIds one for each prompt
     * @return for each completion one number a token
     */
    public List<double[]> score(List<int[]> promptIds, List<int[]> completionIds) {
        if (promptIds.size() != completionIds.size()) {
            throw new IllegalArgumentException("there must be a completion for each prompt, got: " + promptIds.size()
                    + " prompts and " + completionIds.size() + " completions");
        }
        List<int[]> sequences = new ArrayList<>();
        for (int i = 0; i < promptIds.size(); i++) {
            int[] prompt = promptIds.get(i);
            int[] completion = completionIds.get(i);
            if (prompt.length == 0) {
                throw new IllegalArgumentException("a prompt must have at least one token, got: none");
            }
            int[] sequence = Arrays.copyOf(prompt, prompt.length + completion.length);
            System.arraycopy(completion, 0, sequence, prompt.length, completion.length);
            sequences.add(sequence);
        }
        List<double[]> scores = scorer.score(sequences);
        List<double[]> result = new ArrayList<>();
        for (int i = 0; i < scores.size(); i++) {
            result.add(Arrays.copyOfRange(scores.get(i), promptIds.get(i).length - 1, scores.get(i).length));
        }
        return result;
    }

    /**
     * How well it answers problems, each {@code samples} times: what {@code minpro eval} measures. A problem is put through
     * the chat template where the model has one.
     */
    public Evaluator.Result evaluate(List<Problem> problems, Reward reward, Decoding decoding, int samples) {
        Prompts prompts = Prompts.of(new PromptSection(), files, tokenizer);
        return new Evaluator(engine, reward)
                .evaluate(prompts.questions(problems), params(decoding), samples, rollout -> {});
    }

    /** The token ids of a text; no token is added. */
    public int[] tokenize(String text) {
        return tokenizer.encode(text);
    }

    private int[] ids(String prompt) {
        int[] ids = tokenizer.encode(prompt);
        if (ids.length == 0) {
            throw new IllegalArgumentException("a prompt must have at least one token, got: '" + prompt + "'");
        }
        Prompts.requireVocabulary(ids, files.config().vocabSize(), "a prompt");
        return ids;
    }

    private SamplingParams params(Decoding decoding) {
        return decoding.sampling().params(files.config().eosIds()).withGreedy(decoding.greedy());
    }

    private List<Rollout> complete(List<int[]> prompts, Decoding decoding, int samples, PieceListener pieces) {
        if (samples < 1) {
            throw new IllegalArgumentException("samples must be >= 1, got: " + samples);
        }
        long first = draws;
        List<RolloutRequest> requests = new ArrayList<>();
        for (int[] prompt : prompts) {
            requests.add(RolloutRequest.of(draws++, prompt, samples));
        }
        Map<Long, TextStream> streams = new ConcurrentHashMap<>();
        TokenListener tokens = (draw, sample, id) -> streams.computeIfAbsent(
                        (draw - first) * samples + sample,
                        key -> new TextStream(
                                this::text, text -> pieces.piece(Math.toIntExact(draw - first), sample, text)))
                .add(id);
        return engine.generate(requests, params(decoding), tokens, rollout -> {
            TextStream stream = streams.remove((rollout.draw() - first) * samples + rollout.sample());
            if (stream != null) {
                stream.end(rollout.text());
            }
        });
    }

    /** Frees the weights. */
    @Override
    public void close() {
        opened.close();
    }
}

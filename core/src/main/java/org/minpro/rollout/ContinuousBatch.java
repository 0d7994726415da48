package org.minpro.rollout;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.minpro.model.KeyValueCache;
import org.minpro.model.ModelSteps;
import org.minpro.model.PolicyVersion;
import org.minpro.model.Transformer;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;

/**
 * Generates for callers that come and go: a response joins the running batch as soon as a slot is free and leaves it with
 * its last token (continuous batching). Requests may differ in all their sampling parameters.
 *
 * <p>Each worker decodes a block of slots, one token of every response a step. A request's prompt is computed once, between
 * two steps. What is sampled is a function of the request and its seed, up to the rounding that {@link SlotKinds} describes.
 */
public final class ContinuousBatch implements AutoCloseable {
    private final Workers workers;
    private final PolicyVersion version;
    private final int slots;
    private final int capacity;
    private final int most;
    private final Function<int[], String> text;
    private final Queue<Row> waiting = new ArrayDeque<>();
    private final Thread thread;
    /** Responses asked for that have not ended. */
    private int admitted;

    private boolean closed;
    private @Nullable Throwable failure;

    /**
     * What the blocks of slots look like.
     *
     * @param slots responses that a worker decodes at once
     * @param context most tokens of a prompt and its response
     * @param queue most responses that wait for a slot
     */
    public record Size(int slots, int context, int queue) {
        public Size {
            if (slots < 1 || slots > 4096 || context < 2 || queue < 0) {
                throw new IllegalArgumentException(
                        "a batch must have 1 to 4096 slots, a context of 2 tokens or more and a queue >= 0, got: "
                                + slots + ", " + context + " and " + queue);
            }
        }
    }

    /**
     * A prompt to be continued.
     *
     * @param promptIds token ids, at least one
     * @param samples responses wanted
     * @param params how tokens are drawn
     * @param seed of their random numbers; the sample's ordinal is another coordinate
     * @param alternatives how many of the most probable tokens are told beside each token
     */
    public record Request(int[] promptIds, int samples, SamplingParams params, long seed, int alternatives) {
        public Request {
            if (promptIds.length == 0 || samples < 1 || alternatives < 0) {
                throw new IllegalArgumentException(
                        "a request must have a prompt of at least one token, samples >= 1 and alternatives >= 0, got: "
                                + promptIds.length + " tokens, " + samples + " and " + alternatives);
            }
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Request request
                    && Arrays.equals(promptIds, request.promptIds)
                    && samples == request.samples
                    && params.equals(request.params)
                    && seed == request.seed
                    && alternatives == request.alternatives;
        }

        @Override
        public int hashCode() {
            return Long.hashCode(seed);
        }
    }

    /**
     * A token that was sampled.
     *
     * @param id of it
     * @param logProb of log-softmax(z / temperature) before any truncation, at temperature 1 where the request is greedy,
     *     nats
     * @param alternatives the most probable tokens and their log-probabilities, as many as asked for
     * @param ending how the response ends with it, or null where it goes on
     */
    public record Token(
            int id,
            float logProb,
            List<Alternative> alternatives,
            @Nullable Ending ending) {}

    /**
     * A response's end.
     *
     * @param finish why it ended
     * @param text all of it, before a stop text
     */
    public record Ending(Rollout.Finish finish, String text) {}

    /** One of the most probable tokens. */
    public record Alternative(int id, float logProb) {}

    /** Told of a request's tokens by threads that decode: it must return at once. */
    public interface Listener {
        /** The next token of a response; one with a {@link Token#ending} is its last. */
        void sampled(int sample, Token token);

        /** Nothing more will come: the engine failed or was closed. */
        void failed(Throwable why);
    }

    /** A request under way. */
    public interface Ticket {
        /** Gives its slots back before the next token; nothing is told after that. */
        void cancel();
    }

    /**
     * Begins to decode.
     *
     * @param version that is sampled from, held until this is closed
     * @param text decodes response ids without special tokens
     */
    public ContinuousBatch(PolicyVersion version, Workers workers, Size size, Function<int[], String> text) {
        this.workers = workers;
        this.slots = size.slots();
        this.capacity = LocalRolloutEngine.capacity(size.context());
        this.most = Math.addExact(Math.multiplyExact(workers.count(), slots), size.queue());
        this.text = text;
        this.version = version.hold();
        thread = new Thread(this::decode, "minpro-serving");
        thread.setDaemon(true);
        thread.start();
    }

    /** Responses that decode or wait at once, at most. */
    public int most() {
        return most;
    }

    /** Responses that decode or wait now. */
    public synchronized int admitted() {
        return admitted;
    }

    /**
     * Asks for responses.
     *
     * @throws RejectedExecutionException where too many wait already
     * @throws IllegalArgumentException where the longest response would not fit the context
     * @throws IllegalStateException after a failure, or where this is closed
     */
    public Ticket submit(Request request, Listener listener) {
        long longest = (long) request.promptIds().length + request.params().maxNewTokens();
        if (longest > capacity || request.samples() > most) {
            throw new IllegalArgumentException("a request must have at most " + most + " responses of at most "
                    + capacity + " tokens with the prompt, got: " + request.samples() + " and " + longest);
        }
        Generation generation = new Generation(request, listener);
        synchronized (this) {
            if (closed || failure != null) {
                throw new IllegalStateException(
                        closed ? "the engine is closed" : "the engine has failed: " + failure, failure);
            }
            if (admitted + request.samples() > most) {
                throw new RejectedExecutionException(
                        "at most " + most + " responses can be generated or wait at once, got: " + admitted + " and "
                                + request.samples() + " more");
            }
            admitted += request.samples();
            for (int sample = 0; sample < request.samples(); sample++) {
                waiting.add(new Row(generation, sample));
            }
            notifyAll();
        }
        return () -> cancel(generation);
    }

    private synchronized void cancel(Generation generation) {
        generation.cancelled = true;
        waiting.removeIf(row -> {
            if (row.generation != generation) {
                return false;
            }
            admitted--;
            generation.prompt.left();
            return true;
        });
        // Those in slots are dropped by their workers, which may be waiting for something to do.
        notifyAll();
    }

    private void decode() {
        try {
            workers.run(IntStream.range(0, workers.count())
                    .<Callable<Boolean>>mapToObj(worker -> () -> {
                        try {
                            new Block().run();
                        } catch (RuntimeException | Error e) {
                            fail(e);
                        }
                        return true;
                    })
                    .toList());
        } finally {
            version.close();
        }
    }

    private void fail(Throwable why) {
        List<Generation> left;
        synchronized (this) {
            failure = failure == null ? why : failure;
            left = waiting.stream().map(row -> row.generation).distinct().toList();
            waiting.forEach(row -> row.generation.prompt.left());
            waiting.clear();
            notifyAll();
        }
        left.forEach(generation -> generation.fail(why));
    }

    /** Ends all that is under way. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        Workers.awaitEnd(thread);
        fail(new IllegalStateException("the engine was closed"));
    }

    /** A request and its prompt. */
    private static final class Generation {
        private final Request request;
        private final Listener listener;
        private final Prompt prompt;
        private volatile boolean cancelled;
        private boolean failed;

        Generation(Request request, Listener listener) {
            this.request = request;
            this.listener = listener;
            this.prompt = new Prompt(request);
        }

        void fail(Throwable why) {
            synchronized (this) {
                if (failed || cancelled) {
                    return;
                }
                failed = true;
            }
            listener.failed(why);
        }
    }

    /** A prompt and, once somebody needed it, what the model made of it; freed when the last sample has it. */
    private static final class Prompt {
        private final int[] ids;
        private int unplaced;
        private KeyValueCache.@Nullable Prefix prefix;
        private @Nullable Tensor logits;

        Prompt(Request request) {
            ids = request.promptIds();
            unplaced = request.samples();
        }

        /** @param use takes the keys and values and the last token's logits, {@code [1, vocabulary]} */
        synchronized void place(Transformer model, Placing use) {
            KeyValueCache.Prefix computed = prefix;
            Tensor last = logits;
            if (computed == null || last == null) {
                computed = model.prefill(ids);
                prefix = computed;
                try (Scope scope = Scope.open()) {
                    last = model.logits(computed.lastHidden()).retain();
                }
                logits = last;
            }
            use.place(computed, last);
            left();
        }

        /** A sample has been placed, or never will be. */
        synchronized void left() {
            if (--unplaced > 0) {
                return;
            }
            if (prefix != null) {
                prefix.close();
                prefix = null;
            }
            if (logits != null) {
                logits.close();
                logits = null;
            }
        }
    }

    @FunctionalInterface
    private interface Placing {
        void place(KeyValueCache.Prefix prefix, Tensor logits);
    }

    /** A response under way. */
    private final class Row {
        private final Generation generation;
        private final int sample;
        private final TurnEnd end;
        private final int[] ids;
        private int length;

        Row(Generation generation, int sample) {
            this.generation = generation;
            this.sample = sample;
            this.end = new TurnEnd(generation.request.params(), text);
            this.ids = new int[generation.request.params().maxNewTokens()];
        }

        double uniform() {
            return Philox.uniform(generation.request.seed(), Philox.Purpose.SAMPLING, 0, sample, length);
        }

        /** Adds a token; true if the response has ended with it. */
        boolean append(int id, float logProb, List<Alternative> alternatives) {
            ids[length++] = id;
            Rollout.Finish finish = null;
            if (end.isAt(ids, length)) {
                finish = Rollout.Finish.STOP;
            } else if (length == ids.length) {
                finish = Rollout.Finish.LENGTH;
            }
            if (!generation.cancelled) {
                Ending ending = finish == null ? null : new Ending(finish, end.textOf(Arrays.copyOf(ids, length)));
                generation.listener.sampled(sample, new Token(id, logProb, alternatives, ending));
            }
            return finish != null;
        }
    }

    /** What rows must have in common to be drawn together. */
    private record Drawing(double temperature, int topK, double topP, double minP, boolean greedy) {
        static Drawing of(SamplingParams params) {
            return params.greedy()
                    ? new Drawing(1, 0, 1, 0, true)
                    : new Drawing(params.temperature(), params.topK(), params.topP(), params.minP(), false);
        }
    }

    /** One worker's slots. */
    private final class Block {
        private final Transformer decoder = version.decoder(slots);
        private final @Nullable Row[] rows = new @Nullable Row[slots];

        void run() {
            try (NoGradient off = NoGradient.open();
                    KeyValueCache cache = decoder.cache(slots, capacity, capacity)) {
                while (true) {
                    dropCancelled(cache);
                    for (Row next = next(); next != null; next = next()) {
                        place(cache, next);
                    }
                    synchronized (ContinuousBatch.this) {
                        if (closed || failure != null) {
                            return;
                        }
                    }
                    if (!isIdle()) {
                        step(cache);
                    }
                }
            } catch (RuntimeException | Error e) {
                failRows(e);
                throw e;
            } finally {
                failRows(new IllegalStateException("the engine has ended"));
            }
        }

        private boolean isIdle() {
            return Arrays.stream(rows).allMatch(row -> row == null);
        }

        /** The next response for a free slot; a worker that has nothing to do waits for one. */
        private @Nullable Row next() {
            boolean idle = isIdle();
            boolean free = Arrays.stream(rows).anyMatch(row -> row == null);
            synchronized (ContinuousBatch.this) {
                while (idle && waiting.isEmpty() && !closed && failure == null) {
                    try {
                        ContinuousBatch.this.wait();
                    } catch (InterruptedException e) {
                        throw new IllegalStateException("interrupted while a request was waited for", e);
                    }
                }
                return free && !closed && failure == null ? waiting.poll() : null;
            }
        }

        private void place(KeyValueCache cache, Row row) {
            int slot = 0;
            while (rows[slot] != null) {
                slot++;
            }
            int into = slot;
            // From here on the row is this block's: whatever happens, its listener is told.
            rows[into] = row;
            row.generation.prompt.place(decoder, (prefix, logits) -> {
                boolean ended;
                try (Scope scope = Scope.open()) {
                    ended = draw(logits, List.of(row), new int[] {0})[0];
                }
                if (ended) {
                    rows[into] = null;
                    ended();
                } else {
                    cache.fill(into, prefix);
                }
            });
        }

        private void dropCancelled(KeyValueCache cache) {
            for (int slot = 0; slot < slots; slot++) {
                Row row = rows[slot];
                if (row != null && row.generation.cancelled) {
                    rows[slot] = null;
                    cache.release(slot);
                    ended();
                }
            }
        }

        private void step(KeyValueCache cache) {
            int[] computed = decoder.steps().decoded(slots, slot -> rows[slot] != null);
            long[] ids = new long[computed.length];
            long[] positions = new long[computed.length];
            List<Row> running = new ArrayList<>();
            List<Integer> places = new ArrayList<>();
            for (int i = 0; i < computed.length; i++) {
                Row row = rows[computed[i]];
                if (row != null) {
                    ids[i] = row.ids[row.length - 1];
                    positions[i] = row.generation.request.promptIds().length + row.length - 1L;
                    running.add(row);
                    places.add(i);
                }
            }
            boolean[] ended;
            try (Scope scope = Scope.open()) {
                Tensor logits = decoder.logits(decoder.decode(cache, computed, ids, positions));
                ended = draw(
                        logits,
                        running,
                        places.stream().mapToInt(Integer::intValue).toArray());
            }
            for (int i = 0; i < ended.length; i++) {
                if (ended[i]) {
                    int slot = computed[places.get(i)];
                    rows[slot] = null;
                    cache.release(slot);
                    ended();
                }
            }
        }

        /**
         * Draws the next token of each row, those of equal parameters together.
         *
         * @param logits of the slots that were computed, {@code [rows, vocabulary]}
         * @param places of the rows in the logits
         * @return which responses have ended
         */
        private boolean[] draw(Tensor logits, List<Row> drawn, int[] places) {
            boolean[] ended = new boolean[places.length];
            Map<Drawing, List<Integer>> groups = new LinkedHashMap<>();
            for (int i = 0; i < places.length; i++) {
                groups.computeIfAbsent(
                                Drawing.of(drawn.get(i).generation.request.params()), key -> new ArrayList<>())
                        .add(i);
            }
            for (List<Integer> group : groups.values()) {
                SamplingParams params =
                        drawn.get(group.getFirst()).generation.request.params();
                long[] index = group.stream().mapToLong(i -> places[i]).toArray();
                Tensor ofGroup = index.length == logits.size(0)
                        ? logits
                        : logits.indexSelect(0, Tensor.of(logits.device(), index));
                double[] uniforms =
                        group.stream().mapToDouble(i -> drawn.get(i).uniform()).toArray();
                ModelSteps.Drawn tokens = new TokenSampler(params, decoder.steps()).draw(ofGroup, uniforms);
                int alternatives = group.stream()
                        .mapToInt(i -> drawn.get(i).generation.request.alternatives())
                        .max()
                        .orElse(0);
                List<List<Alternative>> best = alternatives == 0
                        ? List.of()
                        : mostProbable(ofGroup, params.reportedTemperature(), alternatives);
                for (int row = 0; row < index.length; row++) {
                    Row of = drawn.get(group.get(row));
                    int wanted = of.generation.request.alternatives();
                    ended[group.get(row)] = of.append(
                            tokens.ids()[row],
                            tokens.logProbs()[row],
                            wanted == 0
                                    ? List.of()
                                    : List.copyOf(best.get(row)
                                            .subList(
                                                    0,
                                                    Math.min(
                                                            wanted,
                                                            best.get(row).size()))));
                }
            }
            return ended;
        }

        private static List<List<Alternative>> mostProbable(Tensor logits, double temperature, int count) {
            Tensor.Ranked ranked = (temperature == 1 ? logits : logits.divide(temperature))
                    .logSoftmax(1)
                    .largest(Math.min(count, logits.size(1)), 1);
            float[] values = ranked.values().floats();
            long[] ids = ranked.indices().longs();
            int width = (int) ranked.values().size(1);
            List<List<Alternative>> best = new ArrayList<>();
            for (int row = 0; row < logits.size(0); row++) {
                List<Alternative> ofRow = new ArrayList<>();
                for (int i = row * width; i < (row + 1) * width; i++) {
                    ofRow.add(new Alternative((int) ids[i], values[i]));
                }
                best.add(ofRow);
            }
            return best;
        }

        private void ended() {
            synchronized (ContinuousBatch.this) {
                admitted--;
            }
        }

        private void failRows(Throwable why) {
            for (int slot = 0; slot < slots; slot++) {
                Row row = rows[slot];
                if (row != null) {
                    rows[slot] = null;
                    ended();
                    row.generation.fail(why);
                }
            }
        }
    }
}

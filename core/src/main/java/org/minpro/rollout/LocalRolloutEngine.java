package org.minpro.rollout;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.minpro.model.KeyValueCache;
import org.minpro.model.Transformer;
import org.minpro.tensor.DType;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Workers;

/**
 * Generates in this process, with the very module that is trained.
 *
 * <p>Each worker fills a block of a fixed number of slots; a slot whose response has ended takes the next waiting one.
 * A group's prompt is computed once. The number of slots is fixed, the cache's capacity follows from the request alone (the
 * prompt's length and the limit of new tokens), and a response is decoded in slots of one kind ({@link SlotKinds}), so it
 * does not depend on what is generated beside it, on the number of workers or on the order of the requests.
 */
public final class LocalRolloutEngine implements RolloutEngine {
    /** Slots where it is not known how many responses are asked for at once. */
    public static final int FEWEST_SLOTS = 16;

    private static final int MOST_SLOTS = 64;

    private final Transformer model;
    private final Workers workers;
    private final int slots;
    private final int[] kinds;
    private final long seed;
    private final Function<int[], String> text;
    private volatile long version;
    private volatile boolean cancelled;

    /**
     * @param slots rows that a worker decodes at once; a part of the numerics, not of the random numbers
     * @param seed of the run's random numbers
     * @param text decodes response ids without special tokens
     */
    public LocalRolloutEngine(Transformer model, Workers workers, int slots, long seed, Function<int[], String> text) {
        if (slots < 1 || slots > 4096) {
            throw new IllegalArgumentException("decode slots must be in [1, 4096], got: " + slots);
        }
        this.model = model;
        this.workers = workers;
        this.slots = slots;
        Callable<int[]> find =
                () -> SlotKinds.of(model.config(), model.parameters().type(), slots);
        // On a worker, whose kernels are those that will decode.
        this.kinds = workers.run(List.of(find)).getFirst();
        this.seed = seed;
        this.text = text;
    }

    /**
     * Slots for generations of so many responses: more rows make a matrix product faster, but every lane should have some.
     * It does not depend on the number of workers.
     *
     * @param lanes into which a batch is cut
     */
    public static int slots(long responses, int lanes) {
        long ofLane = (responses + lanes - 1) / lanes;
        return Math.clamp((ofLane + 15) / 16 * 16, FEWEST_SLOTS, MOST_SLOTS);
    }

    @Override
    public void publish(long version) {
        this.version = version;
    }

    @Override
    public Exactness exactness() {
        return Exactness.BITWISE;
    }

    @Override
    public void cancel() {
        cancelled = true;
    }

    /** Entries of a cache for rows of up to this many tokens: few sizes, so that rows of similar length share one. */
    static int capacity(int tokens) {
        int step = Math.max(256, Integer.highestOneBit(Math.max(1, tokens - 1)) / 4);
        return Math.multiplyExact((tokens + step - 1) / step, step);
    }

    @Override
    public List<Rollout> generate(List<RolloutRequest> requests, SamplingParams params, Consumer<Rollout> finished) {
        List<Rollout[]> results = new ArrayList<>();
        Map<Integer, Map<Integer, Queue<Waiting>>> byCapacity = new TreeMap<>();
        for (RolloutRequest request : requests) {
            Rollout[] ofRequest = new Rollout[request.samples().length];
            results.add(ofRequest);
            int capacity = capacity(Math.addExact(request.promptIds().length, params.maxNewTokens()));
            Prompt prompt = new Prompt(request, ofRequest.length);
            for (int i = 0; i < ofRequest.length; i++) {
                Waiting waiting = new Waiting(prompt, i, ofRequest);
                Map<Integer, Queue<Waiting>> queues = byCapacity.computeIfAbsent(capacity, key -> queues());
                Objects.requireNonNull(queues.get(kinds[place(waiting)])).add(waiting);
            }
        }
        long sampledVersion = version;
        for (Map.Entry<Integer, Map<Integer, Queue<Waiting>>> entry : byCapacity.entrySet()) {
            Map<Integer, Queue<Waiting>> queues = entry.getValue();
            int waitingRows = queues.values().stream().mapToInt(Queue::size).sum();
            int blocks = Math.min(workers.count(), (waitingRows + slots - 1) / slots);
            List<Callable<Boolean>> tasks = new ArrayList<>();
            for (int i = 0; i < blocks; i++) {
                tasks.add(() -> {
                    new Block(queues, params, entry.getKey(), sampledVersion, finished).run();
                    return true;
                });
            }
            try {
                workers.run(tasks);
            } finally {
                queues.values().forEach(queue -> queue.forEach(waiting -> waiting.prompt.discard()));
            }
        }
        return results.stream().flatMap(Arrays::stream).toList();
    }

    /** A queue for each kind of slot. */
    private Map<Integer, Queue<Waiting>> queues() {
        Map<Integer, Queue<Waiting>> queues = new TreeMap<>();
        for (int kind : kinds) {
            queues.putIfAbsent(kind, new ArrayDeque<>());
        }
        return queues;
    }

    /** The slot whose kind a response is decoded in: the responses of a run take the slots in turn. */
    private int place(Waiting waiting) {
        RolloutRequest request = waiting.prompt.request;
        return (int) Math.floorMod(request.draw() * request.groupSize() + waiting.sample(), (long) slots);
    }

    @Override
    public void close() {}

    /** A prompt and, once somebody needed it, what the model made of it. */
    private final class Prompt {
        private final RolloutRequest request;
        private int unplaced;
        private KeyValueCache.@Nullable Prefix prefix;

        Prompt(RolloutRequest request, int samples) {
            this.request = request;
            this.unplaced = samples;
        }

        /** Hands the computed prompt to {@code use}; after the last sample it is freed. */
        synchronized <T> T place(Function<KeyValueCache.Prefix, T> use) {
            if (prefix == null) {
                prefix = model.prefill(request.promptIds());
            }
            T result = use.apply(prefix);
            if (--unplaced == 0) {
                prefix.close();
                prefix = null;
            }
            return result;
        }

        synchronized void discard() {
            if (prefix != null) {
                prefix.close();
                prefix = null;
            }
        }
    }

    private record Waiting(Prompt prompt, int index, Rollout[] results) {
        int sample() {
            return prompt.request.samples()[index];
        }
    }

    /** A response under way. */
    private static final class Row {
        private final Waiting waiting;
        private final int[] ids;
        private final float[] logProbs;
        private final float[] logKeptMass;
        private int length;

        Row(Waiting waiting, int limit) {
            this.waiting = waiting;
            ids = new int[limit];
            logProbs = new float[limit];
            logKeptMass = new float[limit];
        }

        long draw() {
            return waiting.prompt.request.draw();
        }

        int position() {
            return waiting.prompt.request.promptIds().length + length - 1;
        }
    }

    /** One worker's slots. */
    private final class Block {
        private final Map<Integer, Queue<Waiting>> queues;
        private final SamplingParams params;
        private final int capacity;
        private final long sampledVersion;
        private final Consumer<Rollout> finished;
        private final TokenSampler sampler;
        private final @Nullable Row[] rows = new @Nullable Row[slots];

        Block(
                Map<Integer, Queue<Waiting>> queues,
                SamplingParams params,
                int capacity,
                long sampledVersion,
                Consumer<Rollout> finished) {
            this.queues = queues;
            this.params = params;
            this.capacity = capacity;
            this.sampledVersion = sampledVersion;
            this.finished = finished;
            this.sampler = new TokenSampler(params);
        }

        void run() {
            DType type = model.parameters().type() == DType.F64 ? DType.F64 : DType.F32;
            try (NoGradient off = NoGradient.open();
                    KeyValueCache cache = new KeyValueCache(model.config(), type, slots, capacity)) {
                while (true) {
                    if (cancelled) {
                        throw new CancellationException("generation was cancelled");
                    }
                    boolean busy = false;
                    for (int slot = 0; slot < slots; slot++) {
                        if (rows[slot] == null) {
                            rows[slot] = next(cache, slot);
                        }
                        busy |= rows[slot] != null;
                    }
                    if (!busy) {
                        return;
                    }
                    step(cache);
                }
            }
        }

        /** Takes the next waiting response into a slot; one that ends with its first token needs no slot. */
        private @Nullable Row next(KeyValueCache cache, int slot) {
            Queue<Waiting> queue = Objects.requireNonNull(queues.get(kinds[slot]));
            while (true) {
                Waiting waiting;
                synchronized (queue) {
                    waiting = queue.poll();
                }
                if (waiting == null) {
                    return null;
                }
                Row row = new Row(waiting, params.maxNewTokens());
                boolean ended = waiting.prompt.place(prefix -> {
                    try (Scope scope = Scope.open()) {
                        TokenSampler.Drawn first =
                                sampler.draw(model.logits(prefix.lastHidden()), new double[] {uniform(row)});
                        if (append(row, first, 0)) {
                            return true;
                        }
                        cache.fill(slot, prefix);
                        return false;
                    }
                });
                if (!ended) {
                    return row;
                }
            }
        }

        private void step(KeyValueCache cache) {
            long[] ids = new long[slots];
            long[] positions = new long[slots];
            double[] uniforms = new double[slots];
            for (int slot = 0; slot < slots; slot++) {
                Row row = rows[slot];
                if (row != null) {
                    ids[slot] = row.ids[row.length - 1];
                    positions[slot] = row.position();
                    uniforms[slot] = uniform(row);
                }
            }
            TokenSampler.Drawn drawn;
            try (Scope scope = Scope.open()) {
                drawn = sampler.draw(model.logits(model.decode(cache, ids, positions)), uniforms);
            }
            for (int slot = 0; slot < slots; slot++) {
                Row row = rows[slot];
                if (row != null && append(row, drawn, slot)) {
                    rows[slot] = null;
                    cache.release(slot);
                }
            }
        }

        private double uniform(Row row) {
            return Philox.uniform(seed, Philox.Purpose.SAMPLING, row.draw(), row.waiting.sample(), row.length);
        }

        /** Adds a token; true if the response has ended with it, and then it is reported. */
        private boolean append(Row row, TokenSampler.Drawn drawn, int at) {
            int id = drawn.ids()[at];
            row.ids[row.length] = id;
            row.logProbs[row.length] = drawn.logProbs()[at];
            row.logKeptMass[row.length] = drawn.logKeptMass()[at];
            row.length++;
            boolean stop = params.stopIds().contains(id);
            if (!stop && row.length < params.maxNewTokens()) {
                return false;
            }
            int[] response = Arrays.copyOf(row.ids, row.length);
            boolean[] mask = new boolean[row.length];
            Arrays.fill(mask, true);
            long[] versions = new long[row.length];
            Arrays.fill(versions, sampledVersion);
            Rollout rollout = new Rollout(
                    row.draw(),
                    row.waiting.sample(),
                    row.waiting.prompt.request.promptIds(),
                    response,
                    mask,
                    Arrays.copyOf(row.logProbs, row.length),
                    Arrays.copyOf(row.logKeptMass, row.length),
                    versions,
                    stop ? Rollout.Finish.STOP : Rollout.Finish.LENGTH,
                    text.apply(response));
            row.waiting.results[row.waiting.index] = rollout;
            finished.accept(rollout);
            return true;
        }
    }
}

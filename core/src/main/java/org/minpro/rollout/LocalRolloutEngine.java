package org.minpro.rollout;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.minpro.model.KeyValueCache;
import org.minpro.model.PackedWeights;
import org.minpro.model.Transformer;
import org.minpro.tensor.DType;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;

/**
 * Generates in this process, with the very module that is trained.
 *
 * <p>Each worker fills a block of a fixed number of slots; a slot whose response has ended takes the next waiting one.
 * A group's prompt is computed once. The number of slots is fixed (those that no response can reach have no cache), the cache's capacity follows from the request alone (the
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
        try (PackedWeights weights = new PackedWeights(slots)) {
            Generation generation = new Generation(weights.over(model), params, version, finished);
            List<Rollout[]> results = new ArrayList<>();
            Map<Integer, WaitingRows> byCapacity = new TreeMap<>();
            for (RolloutRequest request : requests) {
                Rollout[] ofRequest = new Rollout[request.samples().length];
                results.add(ofRequest);
                int capacity = capacity(Math.addExact(request.promptIds().length, params.maxNewTokens()));
                byCapacity
                        .computeIfAbsent(capacity, key -> new WaitingRows())
                        .add(new Prompt(generation.decoder, request), ofRequest);
            }
            byCapacity.forEach((capacity, waiting) -> {
                try {
                    decode(generation, waiting, capacity);
                } finally {
                    waiting.discard();
                }
            });
            return results.stream().flatMap(Arrays::stream).toList();
        }
    }

    /**
     * What all rows of a generation have in common.
     *
     * @param decoder the model over packed weights
     * @param params how tokens are drawn
     * @param version of the weights
     * @param finished is told of every response
     */
    private record Generation(Transformer decoder, SamplingParams params, long version, Consumer<Rollout> finished) {}

    private void decode(Generation generation, WaitingRows waiting, int capacity) {
        int blocks = Math.min(workers.count(), (waiting.rows + slots - 1) / slots);
        workers.run(waiting.firstShared(blocks * slots).stream()
                .map(prompt -> (Callable<Computed>) prompt::compute)
                .toList());
        workers.run(IntStream.range(0, blocks)
                .<Callable<Boolean>>mapToObj(i -> () -> {
                    new Block(generation, waiting, capacity).run();
                    return true;
                })
                .toList());
    }

    /** The slot whose kind a response is decoded in: the responses of a run take the slots in turn. */
    private int place(Waiting waiting) {
        RolloutRequest request = waiting.prompt.request;
        return (int) Math.floorMod(request.draw() * request.groupSize() + waiting.sample(), (long) slots);
    }

    @Override
    public void close() {}

    /** A prompt and, once somebody needed it, what the model made of it. */
    private static final class Prompt {
        private final Transformer decoder;
        private final RolloutRequest request;
        private int unplaced;
        private @Nullable Computed computed;

        Prompt(Transformer decoder, RolloutRequest request) {
            this.decoder = decoder;
            this.request = request;
            this.unplaced = request.samples().length;
        }

        /** Runs the prompt through the model, once. */
        synchronized Computed compute() {
            if (computed == null) {
                KeyValueCache.Prefix prefix = decoder.prefill(request.promptIds());
                try (Scope scope = Scope.open();
                        NoGradient off = NoGradient.open()) {
                    computed = new Computed(
                            prefix, decoder.logits(prefix.lastHidden()).retain());
                } finally {
                    if (computed == null) {
                        prefix.close();
                    }
                }
            }
            return computed;
        }

        /** Hands the computed prompt to {@code use}; after the last sample it is freed. */
        synchronized <T> T place(Function<Computed, T> use) {
            T result = use.apply(compute());
            if (--unplaced == 0) {
                discard();
            }
            return result;
        }

        synchronized void discard() {
            if (computed != null) {
                computed.close();
                computed = null;
            }
        }
    }

    /**
     * What the model made of a prompt.
     *
     * @param logits of its last token, {@code [1, vocabulary]}
     */
    private record Computed(KeyValueCache.Prefix prefix, Tensor logits) implements AutoCloseable {
        @Override
        public void close() {
            prefix.close();
            logits.close();
        }
    }

    /** The responses that wait for caches of one capacity. */
    private final class WaitingRows {
        private final List<Prompt> prompts = new ArrayList<>();
        /** Of every slot; slots of one kind share theirs. */
        private final List<Queue<Waiting>> queues = new ArrayList<>();

        private int rows;
        /** A worker's cache needs no more slots than these: rows that are fewer than its slots never reach the others. */
        private int slotsInUse;

        WaitingRows() {
            for (int slot = 0; slot < slots; slot++) {
                queues.add(kinds[slot] == slot ? new ArrayDeque<>() : queues.get(kinds[slot]));
            }
        }

        void add(Prompt prompt, Rollout[] results) {
            prompts.add(prompt);
            for (int i = 0; i < results.length; i++) {
                Waiting waiting = new Waiting(prompt, i, results);
                Queue<Waiting> queue = queues.get(place(waiting));
                queue.add(waiting);
                rows++;
                slotsInUse = Math.max(slotsInUse, 1 + lastSlot(queue));
            }
        }

        /** The last slot that the responses of a queue take if each takes the first free one. */
        private int lastSlot(Queue<Waiting> queue) {
            int last = -1;
            int taken = 0;
            for (int slot = 0; slot < slots && taken < queue.size(); slot++) {
                if (queues.get(slot) == queue) {
                    last = slot;
                    taken++;
                }
            }
            return last;
        }

        /** The next response for a slot. */
        @Nullable Waiting next(int slot) {
            Queue<Waiting> queue = queues.get(slot);
            synchronized (queue) {
                return queue.poll();
            }
        }

        /**
         * The prompts of the first responses that are shared: while one worker computed such a prompt, another would wait
         * for it. A prompt of one response is computed when it is placed, and freed at once.
         */
        List<Prompt> firstShared(int responses) {
            List<Prompt> first = new ArrayList<>();
            int seen = 0;
            for (int i = 0; i < prompts.size() && seen < responses; i++) {
                int samples = prompts.get(i).request.samples().length;
                if (samples > 1) {
                    first.add(prompts.get(i));
                }
                seen += samples;
            }
            return first;
        }

        void discard() {
            prompts.forEach(Prompt::discard);
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
        private final Generation generation;
        private final WaitingRows waitingRows;
        private final int capacity;
        private final TokenSampler sampler;
        private final @Nullable Row[] rows = new @Nullable Row[slots];

        Block(Generation generation, WaitingRows waitingRows, int capacity) {
            this.generation = generation;
            this.waitingRows = waitingRows;
            this.capacity = capacity;
            this.sampler = new TokenSampler(generation.params);
        }

        void run() {
            DType type = model.parameters().type() == DType.F64 ? DType.F64 : DType.F32;
            try (NoGradient off = NoGradient.open();
                    KeyValueCache cache = new KeyValueCache(model.config(), type, waitingRows.slotsInUse, capacity)) {
                while (true) {
                    if (cancelled) {
                        throw new CancellationException("generation was cancelled");
                    }
                    boolean busy = false;
                    for (int slot = 0; slot < cache.slots(); slot++) {
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
            while (true) {
                Waiting waiting = waitingRows.next(slot);
                if (waiting == null) {
                    return null;
                }
                Row row = new Row(waiting, generation.params.maxNewTokens());
                boolean ended = waiting.prompt.place(prompt -> {
                    try (Scope scope = Scope.open()) {
                        TokenSampler.Drawn first = sampler.draw(prompt.logits, new double[] {uniform(row)});
                        if (append(row, first, 0)) {
                            return true;
                        }
                        cache.fill(slot, prompt.prefix);
                        return false;
                    }
                });
                if (!ended) {
                    return row;
                }
            }
        }

        private void step(KeyValueCache cache) {
            Transformer decoder = generation.decoder;
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
                drawn = sampler.draw(decoder.logits(decoder.decode(cache, ids, positions)), uniforms);
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
            boolean stop = generation.params.stopIds().contains(id);
            if (!stop && row.length < generation.params.maxNewTokens()) {
                return false;
            }
            int[] response = Arrays.copyOf(row.ids, row.length);
            boolean[] mask = new boolean[row.length];
            Arrays.fill(mask, true);
            long[] versions = new long[row.length];
            Arrays.fill(versions, generation.version);
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
            generation.finished.accept(rollout);
            return true;
        }
    }
}

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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.minpro.model.Kernels;
import org.minpro.model.KeyValueCache;
import org.minpro.model.ModelSteps;
import org.minpro.model.PolicyVersion;
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
 * A group's prompt is computed once. A response does not depend on what is generated beside it, on the number of workers or on
 * the order of the requests. Where rows may come {@linkplain ModelSteps#rowsAlone alone}, slots without a response are not
 * computed. Where they may not, all slots are (those that no response can reach have no cache), the cache's capacity follows from
 * the request alone (the prompt's length and the limit of new tokens), and a response is decoded in slots of one kind
 * ({@link SlotKinds}).
 */
public final class LocalRolloutEngine implements RolloutEngine {
    /** Slots where it is not known how many responses are asked for at once. */
    public static final int FEWEST_SLOTS = 16;

    private static final int MOST_SLOTS = 64;

    /**
     * Bytes of a worker's keys and values, and of all weights, that a processor's caches hold, roughly. Where the weights are in
     * them anyway, more rows at once save no reading, and their keys and values push each other out.
     */
    private static final long CACHED_BYTES = 8L << 20;

    /** A GPU takes as long for a token of one response as for one of hundreds: the launches of its kernels decide. */
    private static final int MOST_SLOTS_OF_CUDA = 1024;

    /** Tokens of prompts that are computed together, roughly at most. */
    private static final int TOGETHER_TOKENS = 16384;

    /** Responses that may wait for a continuation for each slot: each keeps a copy of its keys and values. */
    public static final int OUTSIDE_PER_SLOT = 4;

    /** How long a worker without anything to do goes without looking whether generation was cancelled. */
    private static final long CANCELLATION_MILLIS = 50;

    private final Workers workers;
    private final int slots;
    /** Whether prompts are computed together; null where that is done on a GPU alone. */
    private final @Nullable Boolean together;
    /** Of each slot; all versions of a model have the same. */
    private volatile int @Nullable [] kinds;

    private final long seed;
    private final Function<int[], String> text;
    private final PublishedVersion published = new PublishedVersion();
    /** Whether responses in flight go on with the published version. */
    private boolean replacing;

    private volatile boolean cancelled;

    /**
     * An engine that has nothing to sample from until a version is {@linkplain #publish published}.
     *
     * @param slots rows that a worker decodes at once; a part of the numerics, not of the random numbers
     * @param seed of the run's random numbers
     * @param text decodes response ids without special tokens
     */
    public LocalRolloutEngine(Workers workers, int slots, long seed, Function<int[], String> text) {
        this(workers, slots, seed, text, null);
    }

    /** @param together whether prompts are computed together; null where that is done on a GPU alone */
    LocalRolloutEngine(
            Workers workers, int slots, long seed, Function<int[], String> text, @Nullable Boolean together) {
        if (slots < 1 || slots > 4096) {
            throw new IllegalArgumentException("decode slots must be in [1, 4096], got: " + slots);
        }
        this.workers = workers;
        this.slots = slots;
        this.together = together;
        this.seed = seed;
        this.text = text;
    }

    /** An engine for a model that does not change: it is published as version 0. */
    public static LocalRolloutEngine over(
            Transformer model, Workers workers, int slots, long seed, Function<int[], String> text) {
        LocalRolloutEngine engine = new LocalRolloutEngine(workers, slots, seed, text);
        try (PolicyVersion version = new PolicyVersion(0, model)) {
            engine.publish(version);
        }
        return engine;
    }

    /**
     * Slots for generations of so many responses: more rows make a matrix product faster, but every lane should have some.
     * It does not depend on the number of workers.
     *
     * @param lanes into which a batch is cut
     * @param cuda whether they are decoded on a CUDA device
     */
    public static int slots(long responses, int lanes, boolean cuda) {
        long ofLane = (responses + lanes - 1) / lanes;
        return Math.clamp((ofLane + 15) / 16 * 16, FEWEST_SLOTS, cuda ? MOST_SLOTS_OF_CUDA : MOST_SLOTS);
    }

    @Override
    public void publish(PolicyVersion version) {
        publish(version, false);
    }

    @Override
    public void replace(PolicyVersion version) {
        publish(version, true);
    }

    private synchronized void publish(PolicyVersion version, boolean inFlightToo) {
        replacing = inFlightToo;
        published.set(version);
    }

    @Override
    public synchronized void withdraw() {
        published.withdraw();
    }

    private synchronized PolicyVersion holdPublished() {
        return published.required().hold();
    }

    @Override
    public synchronized Exactness exactness() {
        // Elsewhere a kernel is chosen by all of a batch's sizes.
        PolicyVersion version = published.get();
        return version == null || !Kernels.together(version.model().device()) ? Exactness.BITWISE : Exactness.SEEDED;
    }

    @Override
    public void cancel() {
        cancelled = true;
    }

    /** Entries of a cache for rows of up to this many tokens: few sizes, so that rows of similar length share one. */
    public static int capacity(int tokens) {
        int step = Math.max(256, Integer.highestOneBit(Math.max(1, tokens - 1)) / 4);
        return Math.multiplyExact((tokens + step - 1) / step, step);
    }

    @Override
    public List<Rollout> generate(List<RolloutRequest> requests, SamplingParams params, Consumer<Rollout> finished) {
        return generate(requests, params, TokenListener.NONE, finished);
    }

    /**
     * As {@link #generate(List, SamplingParams, Consumer)}, which also tells of every token.
     *
     * @param tokens told of each token that is sampled
     */
    public List<Rollout> generate(
            List<RolloutRequest> requests, SamplingParams params, TokenListener tokens, Consumer<Rollout> finished) {
        try (PolicyVersion version = holdPublished()) {
            Generation generation = new Generation(version, params, tokens, finished);
            int[] kinds = kinds(version.decoder(slots));
            List<Rollout[]> results = new ArrayList<>();
            Map<Integer, WaitingRows> byCapacity = new TreeMap<>();
            for (RolloutRequest request : requests) {
                Rollout[] ofRequest = new Rollout[request.samples().length];
                results.add(ofRequest);
                int capacity = capacity(Math.addExact(request.promptIds().length, params.maxNewTokens()));
                byCapacity
                        .computeIfAbsent(capacity, key -> new WaitingRows(kinds))
                        .add(new Prompt(request), ofRequest);
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

    /** Found without a lock, which workers may be waiting for: to find them twice does no harm. */
    private int[] kinds(Transformer model) {
        int[] found = kinds;
        if (found == null) {
            Callable<int[]> find = () -> SlotKinds.of(model, slots);
            // On a worker, whose kernels are those that will decode.
            found = workers.run(List.of(find)).getFirst();
            kinds = found;
        }
        return found;
    }

    /**
     * What all rows of a generation have in common.
     *
     * @param version that it begins with
     * @param params how tokens are drawn
     * @param tokens is told of every token
     * @param finished is told of every response
     */
    private record Generation(
            PolicyVersion version, SamplingParams params, TokenListener tokens, Consumer<Rollout> finished) {}

    /** The version that one thread decodes with: that of its generation, or the one that has replaced it. */
    private final class Weights implements AutoCloseable {
        private final TokenSampler sampler;
        private PolicyVersion version;
        private Transformer decoder;

        Weights(Generation generation) {
            version = generation.version.hold();
            decoder = version.decoder(slots);
            sampler = new TokenSampler(generation.params, decoder.steps());
        }

        /**
         * Draws the first tokens of all responses of prompts, as many at once as a step draws.
         *
         * @param prefixes of the prompts
         * @return for each prompt the tokens in the order of its samples
         */
        List<FirstToken[]> first(List<Prompt> prompts, List<KeyValueCache.Prefix> prefixes) {
            try (Scope scope = Scope.open();
                    NoGradient off = NoGradient.open()) {
                Tensor logits = decoder.logits(Tensor.concatenate(
                        prefixes.stream().map(KeyValueCache.Prefix::lastHidden).toList(), 0));
                List<FirstToken[]> result = prompts.stream()
                        .map(prompt -> new FirstToken[prompt.request.samples().length])
                        .toList();
                int[] of = IntStream.range(0, result.size())
                        .flatMap(i -> IntStream.generate(() -> i).limit(result.get(i).length))
                        .toArray();
                int[] index = result.stream()
                        .flatMapToInt(tokens -> IntStream.range(0, tokens.length))
                        .toArray();
                for (int begin = 0; begin < of.length; begin += slots) {
                    int rows = Math.min(slots, of.length - begin);
                    double[] uniforms = new double[rows];
                    long[] prompt = new long[rows];
                    for (int row = 0; row < rows; row++) {
                        RolloutRequest request = prompts.get(of[begin + row]).request;
                        uniforms[row] = uniform(request, request.samples()[index[begin + row]], 0);
                        prompt[row] = of[begin + row];
                    }
                    try (Scope ofRows = Scope.open()) {
                        ModelSteps.Drawn drawn =
                                sampler.draw(logits.indexSelect(0, Tensor.of(logits.device(), prompt)), uniforms);
                        for (int row = 0; row < rows; row++) {
                            result.get(of[begin + row])[index[begin + row]] = new FirstToken(drawn, row);
                        }
                    }
                }
                return result;
            }
        }

        /** Takes the version that has replaced this one, if one has. */
        void follow() {
            synchronized (LocalRolloutEngine.this) {
                PolicyVersion next = published.get();
                if (!replacing || next == null || next == version) {
                    return;
                }
                version.close();
                version = next.hold();
            }
            decoder = version.decoder(slots);
        }

        @Override
        public void close() {
            version.close();
        }
    }

    private void decode(Generation generation, WaitingRows waiting, int capacity) {
        int filled = filledSlots(generation.version.model(), waiting, capacity);
        int blocks = Math.min(workers.count(), (waiting.rows + filled - 1) / filled);
        waiting.mostOutside = OUTSIDE_PER_SLOT * blocks * filled;
        List<Prompt> shared = waiting.firstShared(blocks * filled);
        if (together != null
                ? together
                : Kernels.together(generation.version.model().device())) {
            Callable<Boolean> all = () -> {
                try (Weights weights = new Weights(generation)) {
                    weights.follow();
                    Prompt.computeTogether(weights, shared);
                    return true;
                }
            };
            workers.run(List.of(all));
        }
        // Those that are computed already have nothing to do.
        workers.run(shared.stream()
                .<Callable<Boolean>>map(prompt -> () -> {
                    try (Weights weights = new Weights(generation)) {
                        weights.follow();
                        prompt.compute(weights);
                        return true;
                    }
                })
                .toList());
        workers.run(IntStream.range(0, blocks)
                .<Callable<Boolean>>mapToObj(i -> () -> {
                    new Block(generation, waiting, capacity, filled).run();
                    return true;
                })
                .toList());
    }

    /**
     * Slots that a worker fills: all that a response can reach. Where that changes no bit they are no more than its share of the
     * responses; of a small model as few as make it fast, but then no fewer than products want; and of a model whose weights
     * come from memory no fewer than that either, unless there is more to read of keys and values: each worker reads the
     * weights for itself.
     */
    private int filledSlots(Transformer model, WaitingRows waiting, int capacity) {
        if (!model.steps().rowsAlone() || !waiting.isOfOneKind()) {
            return waiting.slotsInUse;
        }
        DType type = model.parameters().type();
        long weights = model.config().parameterCount() * type.bytes();
        long ofSlot = KeyValueCache.bytes(model.config(), type, model.device(), 1, capacity);
        long most = ((long) waiting.rows + workers.count() - 1) / workers.count();
        if (weights <= CACHED_BYTES) {
            most = Math.min(most, Math.max(FEWEST_SLOTS, CACHED_BYTES / ofSlot));
        } else if (waiting.rows * ofSlot < weights) {
            most = Math.max(FEWEST_SLOTS, most);
        }
        return (int) Math.min(waiting.slotsInUse, most);
    }

    /** The number that picks a response's token at a position. */
    private double uniform(RolloutRequest request, int sample, int position) {
        return Philox.uniform(seed, Philox.Purpose.SAMPLING, request.draw(), sample, position);
    }

    /** The slot whose kind a response is decoded in: the responses of a run take the slots in turn. */
    private int place(Waiting waiting) {
        RolloutRequest request = waiting.prompt.request;
        return (int) Math.floorMod(request.draw() * request.groupSize() + waiting.sample(), (long) slots);
    }

    @Override
    public void close() {
        withdraw();
    }

    /** A prompt and, once somebody needed it, what the model made of it. */
    private static final class Prompt {
        private final RolloutRequest request;
        private int unplaced;
        private @Nullable Computed computed;

        Prompt(RolloutRequest request) {
            this.request = request;
            this.unplaced = request.samples().length;
        }

        /** Runs the prompt through the model, once. */
        synchronized Computed compute(Weights weights) {
            if (computed == null) {
                take(weights, List.of(this), List.of(weights.decoder.prefill(request.promptIds())));
            }
            return Objects.requireNonNull(computed);
        }

        /**
         * Runs prompts through the model together, as many at once as make a block; nobody else may use them yet.
         */
        static void computeTogether(Weights weights, List<Prompt> prompts) {
            for (int begin = 0; begin < prompts.size(); ) {
                int end = begin;
                int tokens = 0;
                while (end < prompts.size()
                        && (end == begin || tokens + prompts.get(end).length() <= TOGETHER_TOKENS)) {
                    tokens += prompts.get(end++).length();
                }
                List<Prompt> part = prompts.subList(begin, end);
                take(
                        weights,
                        part,
                        weights.decoder.prefill(part.stream()
                                .map(prompt -> prompt.request.promptIds())
                                .toList()));
                begin = end;
            }
        }

        private int length() {
            return request.promptIds().length;
        }

        /** Gives prompts what the model made of them, and the first tokens of their responses. */
        private static void take(Weights weights, List<Prompt> prompts, List<KeyValueCache.Prefix> prefixes) {
            List<FirstToken[]> first;
            try {
                first = weights.first(prompts, prefixes);
            } catch (RuntimeException | Error e) {
                prefixes.forEach(KeyValueCache.Prefix::close);
                throw e;
            }
            for (int i = 0; i < prompts.size(); i++) {
                prompts.get(i).take(new Computed(weights.version.number(), prefixes.get(i), first.get(i)));
            }
        }

        private synchronized void take(Computed made) {
            computed = made;
        }

        /** Hands the computed prompt to {@code use}; after the last sample it is freed. */
        synchronized <T> T place(Weights weights, Function<Computed, T> use) {
            T result = use.apply(compute(weights));
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
     * @param version of the weights: that of each response's first token, too
     * @param first tokens, in the order of the request's samples
     */
    private record Computed(long version, KeyValueCache.Prefix prefix, FirstToken[] first) implements AutoCloseable {
        @Override
        public void close() {
            prefix.close();
        }
    }

    /** One of the tokens that were drawn together. */
    private record FirstToken(ModelSteps.Drawn drawn, int row) {}

    /** The responses that wait for caches of one capacity. */
    private final class WaitingRows {
        private final int[] kinds;
        private final List<Prompt> prompts = new ArrayList<>();
        /** Of every slot; slots of one kind share theirs. */
        private final List<Queue<Waiting>> queues = new ArrayList<>();

        /** Responses that are told how they go on and wait for a slot of their kind; as {@link #queues}. */
        private final List<Queue<Row>> returned = new ArrayList<>();

        private int rows;
        /** Responses outside the slots beyond which no new one is begun: each keeps a copy of its slot. */
        private int mostOutside;
        /** Responses that have left their slot and are not told yet how they go on. */
        private int asked;
        /** Responses that have left their slot and have no other yet, {@link #asked} among them. */
        private int outside;

        private @Nullable Throwable failure;
        private boolean discarded;
        /** A worker's cache needs no more slots than these: rows that are fewer than its slots never reach the others. */
        private int slotsInUse;

        WaitingRows(int[] kinds) {
            this.kinds = kinds;
            for (int slot = 0; slot < slots; slot++) {
                queues.add(kinds[slot] == slot ? new ArrayDeque<>() : queues.get(kinds[slot]));
                returned.add(kinds[slot] == slot ? new ArrayDeque<>() : returned.get(kinds[slot]));
            }
        }

        /** Whether a response may be decoded in any slot. */
        boolean isOfOneKind() {
            return Arrays.stream(kinds).allMatch(kind -> kind == 0);
        }

        void add(Prompt prompt, Rollout[] results) {
            prompts.add(prompt);
            for (int i = 0; i < results.length; i++) {
                Waiting waiting = new Waiting(prompt, i, results);
                int kind = kinds[place(waiting)];
                queues.get(kind).add(waiting);
                rows++;
                slotsInUse =
                        Math.max(slotsInUse, 1 + lastSlot(kind, queues.get(kind).size()));
            }
        }

        /** The last slot that so many responses of one kind take if each takes the first free one. */
        private int lastSlot(int kind, int responses) {
            int last = -1;
            int taken = 0;
            for (int slot = 0; slot < slots && taken < responses; slot++) {
                if (kinds[slot] == kind) {
                    last = slot;
                    taken++;
                }
            }
            return last;
        }

        /** The next response for a slot; null where none may begin now. */
        synchronized @Nullable Waiting next(int slot) {
            return outside < mostOutside ? queues.get(slot).poll() : null;
        }

        /** A response for a slot that goes on. */
        synchronized @Nullable Row nextReturned(int slot) {
            Row row = returned.get(slot).poll();
            if (row != null) {
                outside--;
            }
            return row;
        }

        /** Takes a response that waits to be told how it goes on, until it can. */
        void leave(Row row) {
            CompletableFuture<int[]> reply = Objects.requireNonNull(row.reply);
            synchronized (this) {
                asked++;
                outside++;
            }
            CompletableFuture<int[]> unused = reply.whenComplete((given, thrown) -> {
                synchronized (this) {
                    asked--;
                    if (discarded) {
                        row.closeParked();
                    } else {
                        returned.get(kinds[place(row.waiting)]).add(row);
                    }
                    if (thrown != null && failure == null) {
                        failure = thrown;
                    }
                    notifyAll();
                }
            });
        }

        /**
         * Waits until a slot that found nothing may find something.
         *
         * @return false where nothing will ever come
         */
        synchronized boolean awaitChange() {
            while (true) {
                requireNoFailure();
                boolean isReady = outside > asked
                        || outside < mostOutside && queues.stream().anyMatch(queue -> !queue.isEmpty());
                if (isReady || cancelled) {
                    return true;
                }
                if (asked == 0) {
                    return false;
                }
                try {
                    wait(CANCELLATION_MILLIS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new CancellationException("interrupted while the continuation of a response was waited for");
                }
            }
        }

        synchronized void requireNoFailure() {
            if (failure != null) {
                throw Continuation.failure(failure);
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
            synchronized (this) {
                discarded = true;
                returned.forEach(queue -> {
                    queue.forEach(Row::closeParked);
                    queue.clear();
                });
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
        private final boolean[] sampled;
        private final float[] logProbs;
        private final float[] logKeptMass;
        private final long[] versions;
        private int length;
        /** Tokens whose keys and values are in the cache; those after them go through the model next, one a step. */
        private int seen;
        /** What follows its last stop id, once that is known; null where nothing was asked. */
        private @Nullable CompletableFuture<int[]> reply;
        /** Its slot's entries while it waits outside. */
        private KeyValueCache.@Nullable Parked parked;

        Row(Waiting waiting, int limit) {
            this.waiting = waiting;
            ids = new int[limit];
            sampled = new boolean[limit];
            logProbs = new float[limit];
            logKeptMass = new float[limit];
            versions = new long[limit];
        }

        long draw() {
            return waiting.prompt.request.draw();
        }

        /** Where the next token that goes through the model stands. */
        int position() {
            return waiting.prompt.request.promptIds().length + seen;
        }

        /** Asks what follows. */
        CompletableFuture<int[]> ask() {
            reply = waiting.prompt
                    .request
                    .continuation()
                    .after(waiting.sample(), Arrays.copyOf(ids, length))
                    .toCompletableFuture();
            return reply;
        }

        void closeParked() {
            if (parked != null) {
                parked.close();
                parked = null;
            }
        }

        /** Adds ids that the policy did not write, as many as there is room for. */
        void give(int[] given) {
            int count = Math.min(given.length, ids.length - length);
            System.arraycopy(given, 0, ids, length, count);
            Arrays.fill(versions, length, length + count, versions[length - 1]);
            length += count;
        }
    }

    /** What a response needs after a token. */
    private enum Next {
        /** The next one. */
        TOKEN,
        /** To be told what follows. */
        REPLY,
        /** Nothing: it has ended. */
        END
    }

    /** One worker's slots. */
    private final class Block {
        private final Generation generation;
        private final WaitingRows waitingRows;
        private final int capacity;
        private final int filled;
        private final TurnEnd end;
        private final @Nullable Row[] rows = new @Nullable Row[slots];
        private final Weights weights;

        Block(Generation generation, WaitingRows waitingRows, int capacity, int filled) {
            this.generation = generation;
            this.waitingRows = waitingRows;
            this.capacity = capacity;
            this.filled = filled;
            this.end = new TurnEnd(generation.params, text);
            this.weights = new Weights(generation);
        }

        void run() {
            try (Weights held = weights;
                    NoGradient off = NoGradient.open();
                    KeyValueCache cache = held.decoder.cache(filled, capacity, generation.params.maxNewTokens())) {
                while (true) {
                    if (cancelled) {
                        throw new CancellationException("generation was cancelled");
                    }
                    waitingRows.requireNoFailure();
                    held.follow();
                    boolean busy = false;
                    for (int slot = 0; slot < cache.slots(); slot++) {
                        if (rows[slot] == null) {
                            rows[slot] = next(cache, slot);
                        }
                        busy |= rows[slot] != null;
                    }
                    if (busy) {
                        step(cache);
                    } else if (!waitingRows.awaitChange()) {
                        return;
                    }
                }
            }
        }

        /** Takes the next response into a slot, first one that goes on; one that ends at once needs no slot. */
        private @Nullable Row next(KeyValueCache cache, int slot) {
            while (true) {
                Row returned = waitingRows.nextReturned(slot);
                if (returned != null) {
                    try {
                        if (goesOn(returned)) {
                            cache.resume(slot, Objects.requireNonNull(returned.parked));
                            return returned;
                        }
                    } finally {
                        returned.closeParked();
                    }
                    continue;
                }
                Waiting waiting = waitingRows.next(slot);
                if (waiting == null) {
                    return null;
                }
                Row row = new Row(waiting, generation.params.maxNewTokens());
                Next next = waiting.prompt.place(weights, prompt -> {
                    FirstToken first = prompt.first[waiting.index];
                    Next then = append(row, first.drawn, first.row, prompt.version);
                    if (then != Next.END) {
                        cache.fill(slot, prompt.prefix);
                    }
                    return then;
                });
                if (next == Next.TOKEN) {
                    return row;
                }
                if (next == Next.REPLY) {
                    leave(row, cache, slot);
                }
            }
        }

        /** Lets a response wait outside for what follows, and others have its slot. */
        private void leave(Row row, KeyValueCache cache, int slot) {
            row.parked = cache.park(slot, row.position());
            waitingRows.leave(row);
        }

        private void step(KeyValueCache cache) {
            Transformer decoder = weights.decoder;
            int[] computed = decoder.steps().decoded(slots, slot -> rows[slot] != null);
            long[] ids = new long[computed.length];
            long[] positions = new long[computed.length];
            double[] uniforms = new double[computed.length];
            for (int i = 0; i < computed.length; i++) {
                Row row = rows[computed[i]];
                if (row != null) {
                    ids[i] = row.ids[row.seen];
                    positions[i] = row.position();
                    uniforms[i] = uniform(row.waiting.prompt.request, row.waiting.sample(), row.length);
                    row.seen++;
                }
            }
            ModelSteps.Drawn drawn;
            try (Scope scope = Scope.open()) {
                drawn = weights.sampler.draw(decoder.logits(decoder.decode(cache, computed, ids, positions)), uniforms);
            }
            for (int i = 0; i < computed.length; i++) {
                Row row = rows[computed[i]];
                // After a token that was given comes the next given one, whatever would have been drawn.
                Next next = row == null || row.seen < row.length
                        ? Next.TOKEN
                        : append(row, drawn, i, weights.version.number());
                switch (next) {
                    case TOKEN -> {}
                    case REPLY -> {
                        leave(Objects.requireNonNull(row), cache, computed[i]);
                        rows[computed[i]] = null;
                    }
                    case END -> {
                        rows[computed[i]] = null;
                        cache.release(computed[i]);
                    }
                }
            }
        }

        /** Adds a token; where the response has ended with it, it is reported. */
        private Next append(Row row, ModelSteps.Drawn drawn, int at, long version) {
            int id = drawn.ids()[at];
            row.ids[row.length] = id;
            row.sampled[row.length] = true;
            row.logProbs[row.length] = drawn.logProbs()[at];
            row.logKeptMass[row.length] = drawn.logKeptMass()[at];
            row.versions[row.length] = version;
            row.length++;
            generation.tokens.tokenSampled(row.draw(), row.waiting.sample(), id);
            if (end.isAt(row.ids, row.length)) {
                if (!row.ask().isDone()) {
                    return Next.REPLY;
                }
                return goesOn(row) ? Next.TOKEN : Next.END;
            }
            if (row.length < generation.params.maxNewTokens()) {
                return Next.TOKEN;
            }
            end(row, Rollout.Finish.LENGTH);
            return Next.END;
        }

        /** Appends what follows a stop id; false where the response has ended, and then it is reported. */
        private boolean goesOn(Row row) {
            int[] given;
            try {
                given = Objects.requireNonNull(row.reply).join();
            } catch (CompletionException e) {
                throw Continuation.failure(e);
            }
            row.reply = null;
            if (given.length == 0) {
                end(row, Rollout.Finish.STOP);
                return false;
            }
            row.give(given);
            if (row.length < generation.params.maxNewTokens()) {
                return true;
            }
            end(row, Rollout.Finish.LENGTH);
            return false;
        }

        private void end(Row row, Rollout.Finish finish) {
            Rollout rollout = rollout(row, finish);
            row.waiting.results[row.waiting.index] = rollout;
            generation.finished.accept(rollout);
        }

        private Rollout rollout(Row row, Rollout.Finish finish) {
            int[] response = Arrays.copyOf(row.ids, row.length);
            return new Rollout(
                    row.draw(),
                    row.waiting.sample(),
                    row.waiting.prompt.request.promptIds(),
                    response,
                    Arrays.copyOf(row.sampled, row.length),
                    Arrays.copyOf(row.logProbs, row.length),
                    Arrays.copyOf(row.logKeptMass, row.length),
                    Arrays.copyOf(row.versions, row.length),
                    finish,
                    end.textOf(response));
        }
    }
}

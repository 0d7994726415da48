package org.minpro.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.minpro.dist.Collectives;
import org.minpro.model.ForwardPass;
import org.minpro.model.GradientSums;
import org.minpro.model.LanguageHead;
import org.minpro.model.Parameters;
import org.minpro.model.RoutingStatistics;
import org.minpro.model.Transformer;
import org.minpro.model.WeightGradients;
import org.minpro.objective.LogProbStream;
import org.minpro.objective.Loss;
import org.minpro.objective.LossEvaluation;
import org.minpro.objective.LossMetrics;
import org.minpro.objective.ObjectiveInputs;
import org.minpro.objective.Reach;
import org.minpro.objective.RowMetrics;
import org.minpro.objective.Statistic;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;

/**
 * The gradient of a loss over one update's rows.
 *
 * <p>Rows are cut into blocks; block b belongs to lane b mod L. A lane adds its blocks' gradients in order in float32
 * ({@link GradientSums}), lanes are added in lane order: the bytes depend on L, on the rows and on the token budget, not on how
 * many workers execute the blocks. A lane shares nothing with another: it takes rows and gives back a {@link LaneResult}. Where
 * several processes work on the update, lane l belongs to rank l mod N, every rank sees what all lanes say of the rows, and a
 * rank has the sum of those gradients that it owns ({@link Ownership}); they travel while lanes are still at work
 * ({@link OverlappedExchange}).
 */
public final class PolicyGradient {
    /**
     * How rows go through the model; all of it is part of the numerics.
     *
     * @param lanes ordered shares of the blocks, each with a sum of gradients of its own
     * @param microBatchTokens most computed tokens of a block; a row longer than that is a block of its own
     * @param temperature of the log-probabilities, the sampler's
     */
    public record Settings(int lanes, int microBatchTokens, double temperature) {
        public Settings {
            if (lanes < 1 || lanes > 1024) {
                throw new IllegalArgumentException("lanes must be in [1, 1024], got: " + lanes);
            }
            if (microBatchTokens < 1) {
                throw new IllegalArgumentException("micro-batch tokens must be >= 1, got: " + microBatchTokens);
            }
        }
    }

    private final Settings settings;
    private final Workers workers;
    private final Collectives ranks;
    private final @Nullable Shared shared;

    /** @param workers execute the blocks */
    public PolicyGradient(Settings settings, Workers workers) {
        this(settings, workers, Collectives.alone(), null);
    }

    /**
     * One that says what the model says of rows, and computes no gradients unless it is alone.
     *
     * @param ranks whose processes share the lanes
     */
    public PolicyGradient(Settings settings, Workers workers, Collectives ranks) {
        this(settings, workers, ranks, null);
    }

    /**
     * One that has the sum of those gradients that its process owns.
     *
     * @param reduce how the gradients of several processes are added up
     */
    PolicyGradient(Settings settings, Workers workers, Ownership ownership, Reduce reduce) {
        this(
                settings,
                workers,
                ownership.ranks(),
                ownership.ranks().isAlone() ? null : new Shared(ownership, new GradientExchange(ownership, reduce)));
    }

    private PolicyGradient(Settings settings, Workers workers, Collectives ranks, @Nullable Shared shared) {
        this.settings = settings;
        this.workers = workers;
        this.ranks = ranks;
        this.shared = shared;
        if (settings.lanes < ranks.size()) {
            throw new IllegalArgumentException("compute.lanes must be at least the number of processes (" + ranks.size()
                    + "), got: " + settings.lanes);
        }
    }

    /**
     * How the gradients of several processes are added up.
     *
     * @param ownership of which elements the sum comes to this process
     */
    private record Shared(Ownership ownership, GradientExchange exchange) {}

    /** Null in a process that is alone. */
    private @Nullable OverlappedExchange begin(Parameters parameters) {
        if (ranks.isAlone()) {
            return null;
        }
        Shared by = Objects.requireNonNull(shared, "gradients of several processes need an owner each");
        return new OverlappedExchange(by.exchange, by.ownership, parameters.trainable(), settings.lanes);
    }

    /** Takes a lane's gradients before all of them are computed; called by the threads that execute its blocks. */
    interface GradientTaker {
        /** For lanes whose gradients are wanted when they have ended. */
        GradientTaker NONE = new GradientTaker() {
            @Override
            public void passed(int lane, int layer, GradientSums gradients) {}

            @Override
            public void ended(int lane, GradientSums gradients) {}
        };

        /** All blocks of the lane have gone back through a layer. */
        void passed(int lane, int layer, GradientSums gradients);

        /** The lane has no block left. */
        void ended(int lane, GradientSums gradients);
    }

    /**
     * What the model says of every row.
     *
     * @param logProbs log pi_theta, a row each, {@code [time]}, nats
     * @param entropies of the distributions, a row each, {@code [time]}, nats; empty rows unless asked for
     * @param collisions sums of the squared probabilities, a row each, {@code [time]}; empty rows unless a loss reads them
     * @param weights what multiplies advantage and gradient in the loss, a row each, {@code [time]}; empty rows where no loss
     *     was evaluated or its objective has no weights
     */
    public record Scored(float[][] logProbs, float[][] entropies, float[][] collisions, float[][] weights) {
        private static Scored of(int rows, List<LaneResult> lanes) {
            float[][] logProbs = new float[rows][];
            float[][] entropies = new float[rows][];
            float[][] collisions = new float[rows][];
            float[][] weights = new float[rows][];
            for (LaneResult lane : lanes) {
                for (LaneResult.Row row : lane.rows()) {
                    logProbs[row.row()] = row.logProbs();
                    entropies[row.row()] = row.entropies();
                    collisions[row.row()] = row.collisions();
                    weights[row.row()] = row.weights();
                }
            }
            return new Scored(logProbs, entropies, collisions, weights);
        }
    }

    /**
     * A gradient and what was seen on the way.
     *
     * @param gradients by the names of {@link Parameters#trainable}, in their order, float32, owned by the caller until
     *     {@link #close}; of several processes, whole tensors of which the slices that this one owns alone have values
     * @param scored log-probabilities and entropies before the update
     * @param metrics of the loss over the whole update
     * @param routing what the sparse layers decided
     */
    public record Result(
            SequencedMap<String, Tensor> gradients, Scored scored, LossMetrics metrics, RoutingStatistics routing)
            implements AutoCloseable {
        @Override
        public void close() {
            gradients.values().forEach(Tensor::close);
        }
    }

    /** Log-probabilities and entropies of all rows, without gradients. */
    public Scored score(Transformer model, List<TrainingRow> rows, boolean withEntropy) {
        return score(model, rows, new LanguageHead.Wanted(withEntropy, false));
    }

    private Scored score(Transformer model, List<TrainingRow> rows, LanguageHead.Wanted wanted) {
        return Scored.of(rows.size(), withOthers(execute(lanes(rows), (lane, ordinal) -> {
            BlockPlan.Block block = lane.blocks.get(ordinal);
            try (Scope scope = Scope.open();
                    NoGradient off = NoGradient.open()) {
                LanguageHead.Result result = new LanguageHead(model, settings.temperature)
                        .logProbs(
                                model.hidden(block.tokens()),
                                Tensor.of(model.device(), block.tokens().targets()),
                                wanted);
                return new Seen(rowResults(block, result, null, null), new RoutingStatistics());
            }
        })));
    }

    /**
     * The gradient of the loss of an update.
     *
     * @param rows all rows of the update, with the log-probabilities that the loss reads
     * @param version of the weights, which the ages of tokens are counted from
     * @param withEntropy whether entropies are wanted though the loss does not read them
     */
    public Result compute(Transformer model, long version, List<TrainingRow> rows, Loss loss, boolean withEntropy) {
        return compute(model, version, rows, loss, tokenWeights(rows, loss), withEntropy);
    }

    /** The weight of every token of an update, a row each, {@code [time]}. */
    static double[][] tokenWeights(List<TrainingRow> rows, Loss loss) {
        return loss.aggregation()
                .tokenWeights(rows.stream().map(TrainingRow::mask).toArray(boolean[][]::new));
    }

    /**
     * The gradient of some rows of an update.
     *
     * @param tokenWeights of these rows in the whole update
     */
    Result compute(
            Transformer model,
            long version,
            List<TrainingRow> rows,
            Loss loss,
            double[][] tokenWeights,
            boolean withEntropy) {
        LanguageHead.Wanted wanted = wanted(loss, withEntropy);
        BatchEvaluation whole =
                loss.reach() == Reach.BATCH ? evaluateBatch(model, version, rows, loss, tokenWeights) : null;
        BlockLoss blockLoss = (flat, rectangle) -> {
            if (whole != null) {
                return new BlockEvaluation(
                        rectangle.flatten(rectangle.pad(whole.upstream)),
                        whole.entropyUpstream == null ? null : rectangle.flatten(rectangle.pad(whole.entropyUpstream)),
                        null,
                        whole.weights);
            }
            ObjectiveInputs inputs = rectangle.inputs(
                    loss,
                    version,
                    rectangle.unflatten(flat.logProbs()),
                    () -> rectangle.unflatten(Objects.requireNonNull(flat.entropies())),
                    () -> rectangle.unflatten(Objects.requireNonNull(flat.collisions())));
            LossEvaluation evaluation = LossEvaluation.of(loss, inputs, rectangle.pad(tokenWeights));
            Tensor entropyGradient = evaluation.entropyGradient();
            Tensor weights = evaluation.weights();
            return new BlockEvaluation(
                    rectangle.flatten(evaluation.gradient()),
                    entropyGradient == null ? null : rectangle.flatten(entropyGradient),
                    evaluation.rows(),
                    weights == null ? null : rectangle.rows(weights));
        };
        List<Lane> lanes = lanes(rows);
        List<LaneResult> ofLanes;
        SequencedMap<String, Tensor> sum;
        try (OverlappedExchange exchange = begin(model.parameters())) {
            GradientTaker taker = exchange == null ? GradientTaker.NONE : exchange;
            lanes.forEach(lane -> lane.begin(model));
            lanes.stream().filter(lane -> lane.blocks.isEmpty()).forEach(lane -> lane.end(taker));
            List<LaneResult> mine =
                    execute(lanes, (lane, block) -> lane.differentiate(model, block, rows, wanted, blockLoss, taker));
            sum = exchange == null ? sum(mine, model.parameters()) : exchange.sum();
            ofLanes = withOthers(mine);
        } finally {
            lanes.forEach(Lane::close);
        }
        RoutingStatistics routing = new RoutingStatistics();
        ofLanes.forEach(lane -> routing.add(lane.routing()));
        return new Result(
                sum,
                Scored.of(rows.size(), ofLanes),
                whole != null ? whole.metrics : LossMetrics.of(rowMetrics(rows.size(), ofLanes), Map.of()),
                routing);
    }

    /** Deals the blocks out, block b to lane b mod L, and returns this rank's lanes. */
    private List<Lane> lanes(List<TrainingRow> rows) {
        List<BlockPlan.Block> blocks = BlockPlan.of(rows, settings.microBatchTokens, settings.lanes);
        List<Lane> lanes = new ArrayList<>();
        for (int lane = ranks.rank(); lane < settings.lanes; lane += ranks.size()) {
            List<BlockPlan.Block> ofLane = new ArrayList<>();
            for (int b = lane; b < blocks.size(); b += settings.lanes) {
                ofLane.add(blocks.get(b));
            }
            lanes.add(new Lane(lane, ofLane));
        }
        return lanes;
    }

    /** What is done with a block. */
    private interface BlockTask {
        /** @param ordinal of the block in its lane */
        Seen run(Lane lane, int ordinal);
    }

    /** What was seen of a block. */
    private record Seen(List<LaneResult.Row> rows, RoutingStatistics routing) {}

    /** Has the workers do something with all blocks of some lanes, and returns what the lanes give back. */
    private List<LaneResult> execute(List<Lane> lanes, BlockTask task) {
        List<Callable<Seen>> blocks = new ArrayList<>();
        int most = lanes.stream().mapToInt(lane -> lane.blocks.size()).max().orElse(0);
        for (int ordinal = 0; ordinal < most; ordinal++) {
            for (Lane lane : lanes) {
                if (ordinal < lane.blocks.size()) {
                    int block = ordinal;
                    blocks.add(() -> lane.seen[block] = task.run(lane, block));
                }
            }
        }
        // A block waits for those before it: whichever task a worker takes, the blocks begin in their order.
        AtomicInteger begun = new AtomicInteger();
        AtomicBoolean failed = new AtomicBoolean();
        Callable<Seen> next = () -> {
            Callable<Seen> block = blocks.get(begun.getAndIncrement());
            if (failed.get()) {
                throw new CancellationException("another block has failed");
            }
            try {
                return block.call();
            } catch (Throwable e) {
                failed.set(true);
                throw e;
            }
        };
        workers.run(Collections.nCopies(blocks.size(), next));
        return lanes.stream().map(Lane::result).toList();
    }

    /** The results of all lanes in their order; those of other ranks have no gradients here. */
    private List<LaneResult> withOthers(List<LaneResult> mine) {
        if (ranks.isAlone()) {
            return mine;
        }
        byte[][] ofRanks = ranks.gather("what the lanes say of the rows", LaneResult.bytes(mine));
        LaneResult[] all = new LaneResult[settings.lanes];
        for (int rank = 0; rank < ranks.size(); rank++) {
            List<LaneResult> ofRank = rank == ranks.rank() ? mine : LaneResult.of(ofRanks[rank]);
            for (int i = 0; i < ofRank.size(); i++) {
                all[rank + i * ranks.size()] = ofRank.get(i);
            }
        }
        return List.of(all);
    }

    /**
     * A loss that needs all rows of an update at once, evaluated on them.
     *
     * @param upstream d loss / d logProbs, a row each, {@code [time]}
     * @param entropyUpstream d loss / d entropies in the same shape, or null
     * @param weights of the tokens in the same shape, or null
     */
    private record BatchEvaluation(
            float[][] upstream,
            float @Nullable [][] entropyUpstream,
            float @Nullable [][] weights,
            LossMetrics metrics) {}

    private static boolean readsEntropy(Loss loss) {
        return loss.statistics().contains(Statistic.ENTROPY)
                || loss.statistics().contains(Statistic.LIVE_ENTROPY);
    }

    /** In a pass without gradients before the one with them. */
    private BatchEvaluation evaluateBatch(
            Transformer model, long version, List<TrainingRow> rows, Loss loss, double[][] tokenWeights) {
        Scored scored = score(model, rows, wanted(loss, false));
        int[] all = new int[rows.size()];
        Arrays.setAll(all, i -> i);
        try (Scope scope = Scope.open()) {
            Rectangle rectangle = new Rectangle(rows, all, model.device(), gradientType(model));
            ObjectiveInputs inputs = rectangle.inputs(
                    loss,
                    version,
                    rectangle.pad(scored.logProbs),
                    () -> rectangle.pad(scored.entropies),
                    () -> rectangle.pad(scored.collisions));
            LossEvaluation evaluation = LossEvaluation.of(loss, inputs, rectangle.pad(tokenWeights));
            Tensor entropyGradient = evaluation.entropyGradient();
            Tensor weights = evaluation.weights();
            return new BatchEvaluation(
                    rectangle.rows(evaluation.gradient()),
                    entropyGradient == null ? null : rectangle.rows(entropyGradient),
                    weights == null ? null : rectangle.rows(weights),
                    LossMetrics.of(evaluation.rows(), evaluation.updateMetrics()));
        }
    }

    private static List<RowMetrics> rowMetrics(int rows, List<LaneResult> lanes) {
        RowMetrics[] metrics = new RowMetrics[rows];
        for (LaneResult lane : lanes) {
            lane.rows().forEach(row -> metrics[row.row()] = Objects.requireNonNull(row.metrics()));
        }
        return Arrays.asList(metrics);
    }

    /** The lanes' gradients added up in the order of the lanes, in the first one's tensors; in the order of the parameters. */
    private static SequencedMap<String, Tensor> sum(List<LaneResult> lanes, Parameters parameters) {
        SequencedMap<String, Tensor> sum = lanes.getFirst().gradients();
        for (LaneResult lane : lanes.subList(1, lanes.size())) {
            addInto(sum, lane.gradients());
        }
        return inOrder(sum, parameters.trainable());
    }

    /** The same gradients in the order of the parameters, some of which may have none. */
    static SequencedMap<String, Tensor> inOrder(
            Map<String, Tensor> gradients, SequencedMap<String, Tensor> parameters) {
        SequencedMap<String, Tensor> ordered = new LinkedHashMap<>();
        for (String name : parameters.keySet()) {
            Tensor gradient = gradients.get(name);
            if (gradient != null) {
                ordered.put(name, gradient);
            }
        }
        return ordered;
    }

    static void addInto(SequencedMap<String, Tensor> sum, SequencedMap<String, Tensor> other) {
        try (Scope scope = Scope.open()) {
            other.forEach((name, gradient) -> {
                Tensor present = sum.get(name);
                if (present == null) {
                    sum.put(name, gradient);
                } else {
                    present.addInPlace(gradient);
                    gradient.close();
                }
            });
        }
    }

    private static DType gradientType(Transformer model) {
        return model.parameters().type() == DType.F64 ? DType.F64 : DType.F32;
    }

    /** What the head computes of each distribution: what the loss reads, and what is asked for beside it. */
    private static LanguageHead.Wanted wanted(Loss loss, boolean withEntropy) {
        return new LanguageHead.Wanted(
                withEntropy || readsEntropy(loss), loss.statistics().contains(Statistic.COLLISION));
    }

    /** Cuts the flat results of a block, row after row, into its rows. */
    private static List<LaneResult.Row> rowResults(
            BlockPlan.Block block,
            LanguageHead.Result flat,
            @Nullable List<RowMetrics> metrics,
            float @Nullable [][] weights) {
        float[] logProbs = flat.logProbs().floats();
        float[] entropies = flat.entropies() == null ? null : flat.entropies().floats();
        float[] collisions =
                flat.collisions() == null ? null : flat.collisions().floats();
        List<LaneResult.Row> results = new ArrayList<>();
        int at = 0;
        for (int i = 0; i < block.rows().length; i++) {
            int end = at + block.tokens().responses().get(i).length;
            results.add(new LaneResult.Row(
                    block.rows()[i],
                    Arrays.copyOfRange(logProbs, at, end),
                    entropies == null ? new float[0] : Arrays.copyOfRange(entropies, at, end),
                    collisions == null ? new float[0] : Arrays.copyOfRange(collisions, at, end),
                    weights == null ? new float[0] : weights[block.rows()[i]],
                    metrics == null ? null : metrics.get(i)));
            at = end;
        }
        return results;
    }

    /** Some rows of an update, padded to the widest of them. */
    private static final class Rectangle {
        private final List<TrainingRow> rows;
        private final int[] chosen;
        private final int width;
        private final Device device;
        private final DType type;
        private final Tensor places;

        Rectangle(List<TrainingRow> rows, int[] chosen, Device device, DType type) {
            this.rows = rows;
            this.chosen = chosen;
            this.device = device;
            this.type = type;
            int widest = 0;
            int tokens = 0;
            for (int row : chosen) {
                widest = Math.max(widest, rows.get(row).length());
                tokens += rows.get(row).length();
            }
            width = widest;
            long[] flat = new long[tokens];
            int at = 0;
            for (int i = 0; i < chosen.length; i++) {
                for (int t = 0; t < rows.get(chosen[i]).length(); t++) {
                    flat[at++] = (long) i * width + t;
                }
            }
            places = Tensor.of(device, flat);
        }

        private interface Value {
            double at(int row, int time);
        }

        private Tensor build(Value value) {
            double[] values = new double[chosen.length * width];
            for (int i = 0; i < chosen.length; i++) {
                for (int t = 0; t < rows.get(chosen[i]).length(); t++) {
                    values[i * width + t] = value.at(chosen[i], t);
                }
            }
            return Tensor.of(device, values, chosen.length, width).to(type);
        }

        Tensor pad(float[][] values) {
            return build((row, t) -> values[row][t]);
        }

        Tensor pad(double[][] values) {
            return build((row, t) -> values[row][t]);
        }

        /** {@code [tokens]} to {@code [rows, width]}, zeros in the padding. */
        Tensor unflatten(Tensor flat) {
            return Tensor.zeros(device, type, (long) chosen.length * width)
                    .indexCopyInPlace(0, places, flat.to(type))
                    .view(chosen.length, width);
        }

        /** {@code [rows, width]} to {@code [tokens]}. */
        Tensor flatten(Tensor padded) {
            return padded.reshape((long) chosen.length * width).indexSelect(0, places);
        }

        float[][] rows(Tensor padded) {
            float[][] result = new float[rows.size()][];
            float[] values = padded.floats();
            for (int i = 0; i < chosen.length; i++) {
                result[chosen[i]] = Arrays.copyOfRange(
                        values, i * width, i * width + rows.get(chosen[i]).length());
            }
            return result;
        }

        /** Ordinals of the groups: those of a run's draws would be too large for float32. */
        private Tensor groups() {
            Map<Long, Integer> ordinals = new HashMap<>();
            rows.forEach(row -> ordinals.putIfAbsent(row.group(), ordinals.size()));
            return build((row, t) ->
                    Objects.requireNonNull(ordinals.get(rows.get(row).group())));
        }

        /** @param entropies and {@code collisions} are made only where the loss asks for them */
        ObjectiveInputs inputs(
                Loss loss, long version, Tensor logProbs, Supplier<Tensor> entropies, Supplier<Tensor> collisions) {
            Map<LogProbStream, Tensor> streams = new EnumMap<>(LogProbStream.class);
            for (LogProbStream stream : loss.streams()) {
                streams.put(stream, build((row, t) -> rows.get(row).logProbs(stream)[t]));
            }
            Map<Statistic, Tensor> statistics = new EnumMap<>(Statistic.class);
            for (Statistic statistic : loss.statistics()) {
                statistics.put(
                        statistic,
                        switch (statistic) {
                            case ENTROPY, LIVE_ENTROPY -> entropies.get().detach();
                            case COLLISION -> collisions.get().detach();
                            case AGE ->
                                build((row, t) -> version - rows.get(row).versions()[t]);
                            case GROUP -> groups();
                        });
            }
            return new ObjectiveInputs(
                    logProbs,
                    logProbs.detach(),
                    streams,
                    build((row, t) -> rows.get(row).advantages()[t]),
                    build((row, t) -> rows.get(row).mask()[t] ? 1 : 0),
                    statistics,
                    loss.anchor());
        }
    }

    /**
     * The loss of a block.
     *
     * @param upstream d loss / d logProbs, {@code [tokens]}
     * @param entropyUpstream d loss / d entropies, {@code [tokens]}, or null
     * @param metrics of the block's rows, or null
     * @param weights of the tokens by the row's ordinal in the update, {@code [time]} each, or null
     */
    private record BlockEvaluation(
            Tensor upstream,
            @Nullable Tensor entropyUpstream,
            @Nullable List<RowMetrics> metrics,
            float @Nullable [][] weights) {
        boolean isZero() {
            return !upstream.notEqual(0).any()
                    && (entropyUpstream == null || !entropyUpstream.notEqual(0).any());
        }
    }

    /** Evaluates the loss on a block's flat log-probabilities. */
    private interface BlockLoss {
        BlockEvaluation of(LanguageHead.Result flat, Rectangle rectangle);
    }

    /** A lane at work: its blocks, what was seen of them, and the sum of their gradients. */
    private final class Lane implements AutoCloseable {
        private final int number;
        private final List<BlockPlan.Block> blocks;
        private final Seen[] seen;
        private final AtomicInteger left;
        /** Null where no gradients are asked for. */
        private @Nullable GradientSums gradients;

        Lane(int number, List<BlockPlan.Block> blocks) {
            this.number = number;
            this.blocks = blocks;
            seen = new Seen[blocks.size()];
            left = new AtomicInteger(blocks.size());
        }

        /** Takes the memory of the gradients. */
        void begin(Transformer model) {
            gradients = new GradientSums(gradientType(model), model.parameters(), blocks.size());
        }

        private GradientSums gradients() {
            return Objects.requireNonNull(gradients, "a lane must have begun before its blocks are differentiated");
        }

        /** The gradient of a block, over leaves of its own, is added to that of the lane. */
        Seen differentiate(
                Transformer model,
                int ordinal,
                List<TrainingRow> rows,
                LanguageHead.Wanted wanted,
                BlockLoss loss,
                GradientTaker taker) {
            BlockPlan.Block block = blocks.get(ordinal);
            GradientSums sums = gradients();
            RoutingStatistics routing = new RoutingStatistics();
            List<LaneResult.Row> results;
            try (WeightGradients gradient = sums.ofBlock(ordinal);
                    Parameters leaves = model.parameters().alias();
                    Scope scope = Scope.open()) {
                Transformer live = model.over(leaves);
                live.onRouting(routing);
                ForwardPass pass = live.record(block.tokens());
                Tensor targets = Tensor.of(live.device(), block.tokens().targets());
                LanguageHead.Pass head =
                        new LanguageHead(live, settings.temperature).record(pass.hidden(), targets, wanted);
                BlockEvaluation evaluation =
                        loss.of(head.result(), new Rectangle(rows, block.rows(), live.device(), sums.type()));
                results = rowResults(block, head.result(), evaluation.metrics, evaluation.weights);
                if (!evaluation.isZero()) {
                    pass.backward(
                            head.gradient(evaluation.upstream, evaluation.entropyUpstream, gradient),
                            gradient,
                            layer -> {
                                // Nothing is added to a layer's gradients once the last block has gone back through it.
                                if (ordinal == blocks.size() - 1) {
                                    gradient.awaitEarlierBlocks();
                                    taker.passed(number, layer, sums);
                                }
                            });
                }
                gradient.end();
            }
            if (left.decrementAndGet() == 0) {
                end(taker);
            }
            return new Seen(results, routing);
        }

        /** All blocks have been added. */
        void end(GradientTaker taker) {
            GradientSums sums = gradients();
            sums.end();
            taker.ended(number, sums);
        }

        /** What this lane gives back; the gradients are the caller's from now on. */
        LaneResult result() {
            List<LaneResult.Row> rows = new ArrayList<>();
            RoutingStatistics routing = new RoutingStatistics();
            for (Seen block : seen) {
                rows.addAll(block.rows);
                routing.add(block.routing);
            }
            return new LaneResult(rows, gradients == null ? new LinkedHashMap<>() : gradients.takeSums(), routing);
        }

        @Override
        public void close() {
            if (gradients != null) {
                gradients.close();
            }
        }
    }
}

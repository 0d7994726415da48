package org.minpro.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.minpro.model.ForwardPass;
import org.minpro.model.LanguageHead;
import org.minpro.model.Parameters;
import org.minpro.model.RoutingStatistics;
import org.minpro.model.Transformer;
import org.minpro.model.WeightGradients;
import org.minpro.objective.Anchor;
import org.minpro.objective.LossEvaluation;
import org.minpro.objective.Objective;
import org.minpro.objective.ObjectiveInputs;
import org.minpro.objective.ObjectiveMetrics;
import org.minpro.objective.Reach;
import org.minpro.objective.Statistic;
import org.minpro.tensor.DType;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;

/**
 * The gradient of an objective over one update's rows.
 *
 * <p>Rows are cut into blocks; block b belongs to lane b mod L. A lane adds its blocks' gradients in order in float32,
 * lanes are added in lane order: the bytes depend on L, on the rows and on the token budget, not on how many workers
 * execute the lanes.
 */
public final class PolicyGradient {
    private final Transformer model;
    private final Workers workers;
    private final int lanes;
    private final int tokenBudget;
    private final double temperature;

    /**
     * @param lanes ordered shares of the blocks; part of the numerics
     * @param tokenBudget most computed tokens of a block; a row longer than that is a block of its own
     * @param temperature of the log-probabilities, the sampler's
     */
    public PolicyGradient(Transformer model, Workers workers, int lanes, int tokenBudget, double temperature) {
        if (lanes < 1 || lanes > 1024) {
            throw new IllegalArgumentException("lanes must be in [1, 1024], got: " + lanes);
        }
        if (tokenBudget < 1) {
            throw new IllegalArgumentException("micro-batch tokens must be >= 1, got: " + tokenBudget);
        }
        this.model = model;
        this.workers = workers;
        this.lanes = lanes;
        this.tokenBudget = tokenBudget;
        this.temperature = temperature;
    }

    /**
     * What the model says of every row.
     *
     * @param logProbs log pi_theta, a row each, {@code [time]}, nats
     * @param entropies of the distributions, a row each, {@code [time]}, nats; empty rows unless asked for
     */
    public record Scored(float[][] logProbs, float[][] entropies) {}

    /**
     * A gradient and what was seen on the way.
     *
     * @param gradients by the names of {@link Parameters#stored}, float32, owned by the caller until {@link #close}
     * @param scored log-probabilities and entropies before the update
     * @param metrics the objective's metrics of the whole update, {@code loss} among them
     * @param routing what the sparse layers decided
     */
    public record Result(
            SequencedMap<String, Tensor> gradients,
            Scored scored,
            Map<String, Double> metrics,
            RoutingStatistics routing)
            implements AutoCloseable {
        public double loss() {
            return Objects.requireNonNull(metrics.get("loss"));
        }

        @Override
        public void close() {
            gradients.values().forEach(Tensor::close);
        }
    }

    /** Log-probabilities and entropies of all rows, without gradients. */
    public Scored score(List<TrainingRow> rows, boolean withEntropy) {
        List<BlockPlan.Block> blocks = BlockPlan.of(rows, tokenBudget, lanes);
        float[][] logProbs = new float[rows.size()][];
        float[][] entropies = new float[rows.size()][0];
        List<Callable<Boolean>> tasks = new ArrayList<>();
        for (int lane = 0; lane < lanes; lane++) {
            int start = lane;
            tasks.add(() -> {
                for (int b = start; b < blocks.size(); b += lanes) {
                    BlockPlan.Block block = blocks.get(b);
                    try (Scope scope = Scope.open();
                            NoGradient off = NoGradient.open()) {
                        LanguageHead.Result result = new LanguageHead(model, temperature)
                                .logProbs(
                                        model.hidden(block.tokens()),
                                        Tensor.of(block.tokens().targets()),
                                        withEntropy);
                        split(block, result.logProbs(), logProbs);
                        if (withEntropy) {
                            split(block, Objects.requireNonNull(result.entropies()), entropies);
                        }
                    }
                }
                return true;
            });
        }
        workers.run(tasks);
        return new Scored(logProbs, entropies);
    }

    /**
     * The gradient of {@code sum weights * tokenLosses}.
     *
     * @param tokenWeights of the whole update, a row each, {@code [time]}, see
     *     {@link org.minpro.objective.Aggregation}
     */
    public Result compute(
            List<TrainingRow> rows, Objective objective, Anchor anchor, double[][] tokenWeights, boolean withEntropy) {
        ObjectiveMetrics metrics = new ObjectiveMetrics(rows.size());
        boolean computesEntropy = withEntropy || needsEntropy(objective);
        float[][] upstream =
                objective.reach() == Reach.BATCH ? batchGradient(rows, objective, anchor, tokenWeights, metrics) : null;
        List<BlockPlan.Block> blocks = BlockPlan.of(rows, tokenBudget, lanes);
        float[][] logProbs = new float[rows.size()][];
        float[][] entropies = new float[rows.size()][0];
        List<Callable<SequencedMap<String, Tensor>>> tasks = new ArrayList<>();
        List<RoutingStatistics> routing = new ArrayList<>();
        for (int lane = 0; lane < lanes; lane++) {
            int start = lane;
            RoutingStatistics ofLane = new RoutingStatistics();
            routing.add(ofLane);
            tasks.add(() -> {
                try (Lane execution = new Lane(model)) {
                    execution.live.onRouting(ofLane);
                    for (int b = start; b < blocks.size(); b += lanes) {
                        BlockPlan.Block block = blocks.get(b);
                        execution.run(block, rows, computesEntropy, (flat, rectangle) -> {
                            split(block, flat.logProbs(), logProbs);
                            if (computesEntropy) {
                                split(block, Objects.requireNonNull(flat.entropies()), entropies);
                            }
                            if (upstream != null) {
                                return rectangle.flatten(rectangle.pad(upstream));
                            }
                            ObjectiveInputs inputs = withEntropy(
                                    rectangle.inputs(rectangle.unflatten(flat.logProbs()), anchor),
                                    objective,
                                    () -> rectangle.unflatten(Objects.requireNonNull(flat.entropies())));
                            LossEvaluation evaluation =
                                    LossEvaluation.of(objective, inputs, rectangle.pad(tokenWeights));
                            metrics.add(block.rows(), evaluation, inputs.mask());
                            return rectangle.flatten(evaluation.gradient());
                        });
                    }
                    return execution.gradients.takeSums();
                }
            });
        }
        List<SequencedMap<String, Tensor>> ofLanes = workers.run(tasks);
        SequencedMap<String, Tensor> sum = ofLanes.getFirst();
        for (int lane = 1; lane < ofLanes.size(); lane++) {
            addInto(sum, ofLanes.get(lane));
        }
        RoutingStatistics ofAll = new RoutingStatistics();
        routing.forEach(ofAll::add);
        return new Result(sum, new Scored(logProbs, entropies), metrics.values(), ofAll);
    }

    /** The upstream gradient of every row, for an objective that needs them all at once: a pass without gradients first. */
    private float[][] batchGradient(
            List<TrainingRow> rows,
            Objective objective,
            Anchor anchor,
            double[][] tokenWeights,
            ObjectiveMetrics metrics) {
        Scored scored = score(rows, needsEntropy(objective));
        int[] all = new int[rows.size()];
        for (int i = 0; i < all.length; i++) {
            all[i] = i;
        }
        try (Scope scope = Scope.open()) {
            Rectangle rectangle = new Rectangle(rows, all, resultType());
            ObjectiveInputs inputs = withEntropy(
                    rectangle.inputs(rectangle.pad(scored.logProbs), anchor),
                    objective,
                    () -> rectangle.pad(scored.entropies));
            LossEvaluation evaluation = LossEvaluation.of(objective, inputs, rectangle.pad(tokenWeights));
            metrics.add(all, evaluation, inputs.mask());
            return rectangle.rows(evaluation.gradient());
        }
    }

    private static boolean needsEntropy(Objective objective) {
        return objective.statistics().contains(Statistic.ENTROPY);
    }

    /** With the entropies, a constant, where the objective asks for them. */
    private static ObjectiveInputs withEntropy(
            ObjectiveInputs inputs, Objective objective, Supplier<Tensor> entropies) {
        return needsEntropy(objective)
                ? inputs.withStatistics(
                        Map.of(Statistic.ENTROPY, entropies.get().detach()))
                : inputs;
    }

    private static void addInto(SequencedMap<String, Tensor> sum, SequencedMap<String, Tensor> other) {
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

    private DType resultType() {
        return model.parameters().type() == DType.F64 ? DType.F64 : DType.F32;
    }

    /** Cuts a flat result, row after row, into the update's rows. */
    private static void split(BlockPlan.Block block, Tensor flat, float[][] rows) {
        float[] values = flat.floats();
        int at = 0;
        for (int i = 0; i < block.rows().length; i++) {
            int length = block.tokens().responses().get(i).length;
            rows[block.rows()[i]] = Arrays.copyOfRange(values, at, at + length);
            at += length;
        }
    }

    /** Some rows of an update, padded to the widest of them. */
    private static final class Rectangle {
        private final List<TrainingRow> rows;
        private final int[] chosen;
        private final int width;
        private final DType type;
        private final Tensor places;

        Rectangle(List<TrainingRow> rows, int[] chosen, DType type) {
            this.rows = rows;
            this.chosen = chosen;
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
            places = Tensor.of(flat);
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
            return Tensor.of(values, chosen.length, width).to(type);
        }

        Tensor pad(float[][] values) {
            return build((row, t) -> values[row][t]);
        }

        Tensor pad(double[][] values) {
            return build((row, t) -> values[row][t]);
        }

        /** {@code [tokens]} to {@code [rows, width]}, zeros in the padding. */
        Tensor unflatten(Tensor flat) {
            return Tensor.zeros(type, (long) chosen.length * width)
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

        ObjectiveInputs inputs(Tensor logProbs, Anchor anchor) {
            ObjectiveInputs inputs = ObjectiveInputs.of(
                    logProbs,
                    build((row, t) -> rows.get(row).behaviorLogProbs()[t]),
                    build((row, t) -> rows.get(row).advantage()),
                    build((row, t) -> rows.get(row).mask()[t] ? 1 : 0));
            double[] rewards = new double[chosen.length];
            long[] groups = new long[chosen.length];
            long[] versions = new long[chosen.length * width];
            boolean proximal = true;
            for (int i = 0; i < chosen.length; i++) {
                TrainingRow row = rows.get(chosen[i]);
                rewards[i] = row.reward();
                groups[i] = row.group();
                System.arraycopy(row.versions(), 0, versions, i * width, row.length());
                proximal &= row.proximalLogProbs() != null;
            }
            ObjectiveInputs withRows = inputs.withRows(
                    Tensor.of(rewards).to(type), Tensor.of(groups), Tensor.of(versions, chosen.length, width));
            return proximal
                    ? withRows.withProximal(
                            build((row, t) ->
                                    Objects.requireNonNull(rows.get(row).proximalLogProbs())[t]),
                            anchor)
                    : withRows;
        }
    }

    /** Gives the upstream gradient of a block's flat log-probabilities. */
    private interface Upstream {
        Tensor of(LanguageHead.Result flat, Rectangle rectangle);
    }

    /** A lane at work: the model over leaves of its own, and the sum of its blocks' gradients. */
    private final class Lane implements AutoCloseable {
        private final Parameters leaves;
        private final Transformer live;
        private final WeightGradients gradients;

        Lane(Transformer model) {
            leaves = model.parameters().alias();
            live = model.over(leaves);
            gradients = new WeightGradients(resultType(), leaves);
        }

        void run(BlockPlan.Block block, List<TrainingRow> rows, boolean withEntropy, Upstream upstream) {
            try (Scope scope = Scope.open()) {
                ForwardPass pass = live.record(block.tokens());
                Tensor targets = Tensor.of(block.tokens().targets());
                LanguageHead.Pass head =
                        new LanguageHead(live, temperature).record(pass.hidden(), targets, withEntropy);
                Tensor gradient = upstream.of(head.result(), new Rectangle(rows, block.rows(), gradients.type()));
                if (gradient.notEqual(0).any()) {
                    pass.backward(head.gradient(gradient, gradients), gradients);
                }
            }
        }

        @Override
        public void close() {
            gradients.close();
            leaves.close();
        }
    }
}

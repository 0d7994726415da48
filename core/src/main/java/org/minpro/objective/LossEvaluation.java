package org.minpro.objective;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.Tensor;

/**
 * A loss evaluated on an update or on some of its rows: its value and its gradient with respect to the log-probabilities,
 * which is all that the backward pass through the model needs.
 *
 * <p>For {@link Reach#ROW} the rows may be those of a micro-batch, weighed with the weights of the whole update: losses
 * add up and gradients are the rows of the whole update's. For {@link Reach#BATCH} all rows of the update must be there.
 *
 * @param loss the sum of the rows' losses, in float64
 * @param gradient d loss / d logProbs, {@code [batch, time]}, in the type of the log-probabilities, 0 at masked tokens
 * @param entropyGradient d loss / d entropies in the same shape, or null where the loss does not read live entropies
 * @param weights what multiplies advantage and gradient of every token, {@code [batch, time]}, or null where the objective
 *     has no weights
 * @param rows what is reported of each row, in the order of the inputs
 * @param updateMetrics named numbers of the whole update
 */
public record LossEvaluation(
        double loss,
        Tensor gradient,
        @Nullable Tensor entropyGradient,
        @Nullable Tensor weights,
        List<RowMetrics> rows,
        Map<String, Double> updateMetrics) {
    public LossEvaluation {
        rows = List.copyOf(rows);
        updateMetrics = Map.copyOf(updateMetrics);
    }

    /**
     * Evaluates with the token weights of the whole update.
     *
     * <p>Gradients must be switched on in this thread.
     *
     * @param tokenWeights the rows of {@link Aggregation#tokenWeights} that belong to the inputs, {@code [batch, time]}
     */
    public static LossEvaluation of(Loss loss, ObjectiveInputs inputs, Tensor tokenWeights) {
        if (inputs.anchor() != loss.anchor()) {
            throw new IllegalArgumentException("the anchor of the inputs must be that of the loss, "
                    + loss.anchor().stream() + ", got: " + inputs.anchor().stream());
        }
        Tensor leaf = inputs.logProbs().detach().copy().requireGradient(); // [batch, time]
        Tensor entropies = loss.statistics().contains(Statistic.LIVE_ENTROPY)
                ? inputs.statistic(Statistic.LIVE_ENTROPY).detach().copy().requireGradient()
                : null; // [batch, time]
        ObjectiveResult result = loss.compute(inputs.differentiable(leaf, entropies));
        Tensor losses = result.tokenLosses()
                .multiply(tokenWeights)
                .maskedFill(inputs.mask().equal(0), 0); // [batch, time]
        Tensor sum = losses.sum();
        if (sum.requiresGradient()) {
            sum.backward();
        }
        Tensor gradient = leaf.gradient();
        List<RowMetrics> rows = rows(losses, result, inputs);
        double total = 0;
        for (RowMetrics row : rows) {
            total += row.loss();
        }
        return new LossEvaluation(
                total,
                orZeros(gradient, leaf),
                entropies == null ? null : orZeros(entropies.gradient(), entropies),
                result.weights(),
                rows,
                result.updateMetrics());
    }

    private static Tensor orZeros(@Nullable Tensor gradient, Tensor leaf) {
        return gradient == null ? leaf.zerosLike() : gradient;
    }

    /** Evaluates a whole update. */
    public static LossEvaluation of(Loss loss, ObjectiveInputs inputs) {
        return of(loss, inputs, loss.aggregation().tokenWeights(inputs.mask()));
    }

    /** Sums in the order of the tokens: a native reduction would depend on the width of the padding. */
    private static List<RowMetrics> rows(Tensor weighed, ObjectiveResult result, ObjectiveInputs inputs) {
        int time = Math.toIntExact(inputs.mask().size(1));
        double[] losses = weighed.doubles();
        double[] valid = inputs.mask().doubles();
        double[] advantages = inputs.advantages().doubles();
        double @Nullable [] weights =
                result.weights() == null ? null : result.weights().doubles();
        Map<String, double[]> metrics = new TreeMap<>();
        result.tokenMetrics().forEach((name, tensor) -> metrics.put(name, tensor.doubles()));
        List<RowMetrics> rows = new ArrayList<>();
        for (int i = 0; i < inputs.mask().size(0); i++) {
            int from = i * time;
            int to = from + time;
            double loss = 0;
            int tokens = 0;
            for (int at = from; at < to; at++) {
                loss += losses[at];
                tokens += valid[at] != 0 ? 1 : 0;
            }
            rows.add(new RowMetrics(
                    loss,
                    tokens,
                    weights == null ? null : RowMetrics.WeightSums.of(weights, valid, from, to),
                    part(metrics, from, to, at -> valid[at] != 0).sums(),
                    part(metrics, from, to, at -> valid[at] != 0 && advantages[at] > 0),
                    part(metrics, from, to, at -> valid[at] != 0 && advantages[at] < 0)));
        }
        return rows;
    }

    private static RowMetrics.Part part(Map<String, double[]> metrics, int from, int to, IntPredicate chosen) {
        Map<String, Double> sums = new TreeMap<>();
        metrics.forEach((name, values) -> {
            double sum = 0;
            for (int at = from; at < to; at++) {
                sum += chosen.test(at) ? values[at] : 0;
            }
            sums.put(name, sum);
        });
        return new RowMetrics.Part(
                (int) IntStream.range(from, to).filter(chosen).count(), sums);
    }
}

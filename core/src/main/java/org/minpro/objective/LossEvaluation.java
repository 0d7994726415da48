package org.minpro.objective;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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
 * @param rows what is reported of each row, in the order of the inputs
 * @param updateMetrics named numbers of the whole update
 */
public record LossEvaluation(double loss, Tensor gradient, List<RowMetrics> rows, Map<String, Double> updateMetrics) {
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
        ObjectiveResult result = loss.compute(inputs.differentiable(leaf));
        Tensor losses = result.tokenLosses()
                .multiply(tokenWeights)
                .maskedFill(inputs.mask().equal(0), 0); // [batch, time]
        Tensor sum = losses.sum();
        if (sum.requiresGradient()) {
            sum.backward();
        }
        Tensor gradient = leaf.gradient();
        List<RowMetrics> rows = rows(losses, result, inputs.mask());
        double total = 0;
        for (RowMetrics row : rows) {
            total += row.loss();
        }
        return new LossEvaluation(total, gradient == null ? leaf.zerosLike() : gradient, rows, result.updateMetrics());
    }

    /** Evaluates a whole update. */
    public static LossEvaluation of(Loss loss, ObjectiveInputs inputs) {
        return of(loss, inputs, loss.aggregation().tokenWeights(inputs.mask()));
    }

    /** Sums in the order of the tokens: a native reduction would depend on the width of the padding. */
    private static List<RowMetrics> rows(Tensor weighed, ObjectiveResult result, Tensor mask) {
        int time = Math.toIntExact(mask.size(1));
        double[] losses = weighed.doubles();
        double[] valid = mask.doubles();
        double @Nullable [] weights =
                result.weights() == null ? null : result.weights().doubles();
        Map<String, double[]> metrics = new TreeMap<>();
        result.tokenMetrics().forEach((name, tensor) -> metrics.put(name, tensor.doubles()));
        List<RowMetrics> rows = new ArrayList<>();
        for (int i = 0; i < mask.size(0); i++) {
            int from = i * time;
            int to = from + time;
            double loss = 0;
            int tokens = 0;
            for (int at = from; at < to; at++) {
                loss += losses[at];
                tokens += valid[at] != 0 ? 1 : 0;
            }
            Map<String, Double> sums = new TreeMap<>();
            metrics.forEach((name, values) -> {
                double sum = 0;
                for (int at = from; at < to; at++) {
                    sum += valid[at] != 0 ? values[at] : 0;
                }
                sums.put(name, sum);
            });
            rows.add(new RowMetrics(
                    loss, tokens, weights == null ? null : RowMetrics.WeightSums.of(weights, valid, from, to), sums));
        }
        return rows;
    }
}

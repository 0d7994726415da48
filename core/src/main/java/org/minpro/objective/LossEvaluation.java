package org.minpro.objective;

import org.jspecify.annotations.Nullable;
import org.minpro.tensor.Tensor;

/**
 * An objective evaluated on an update or on some of its rows: the loss and its gradient with respect to the
 * log-probabilities, which is all that the backward pass through the model needs.
 *
 * <p>For {@link Reach#ROW} the rows may be those of a micro-batch, weighed with the weights of the whole update: losses
 * add up and gradients are the rows of the whole update's. For {@link Reach#BATCH} all rows of the update must be there.
 *
 * @param loss {@code sum weights * tokenLosses}, added in float64: the sum of {@code rowLosses}
 * @param rowLosses each row's part of the loss, {@code [batch]}, added over its tokens in order
 * @param gradient d loss / d logProbs, {@code [batch, time]}, in the type of the log-probabilities, 0 at masked tokens
 * @param result what the objective returned, for the metrics
 */
public record LossEvaluation(double loss, double[] rowLosses, Tensor gradient, ObjectiveResult result) {
    /**
     * Evaluates with the token weights of the whole update.
     *
     * <p>Gradients must be switched on in this thread.
     *
     * @param tokenWeights the rows of {@link Aggregation#tokenWeights} that belong to the inputs, {@code [batch, time]}
     */
    public static LossEvaluation of(Objective objective, ObjectiveInputs inputs, Tensor tokenWeights) {
        Tensor leaf = inputs.logProbs().detach().copy().requireGradient(); // [batch, time]
        ObjectiveResult result = compute(objective, inputs.withLogProbs(leaf).withoutPadding());
        Tensor losses = result.tokenLosses()
                .multiply(tokenWeights)
                .maskedFill(inputs.mask().equal(0), 0); // [batch, time]
        Tensor sum = losses.sum();
        if (sum.requiresGradient()) {
            sum.backward();
        }
        Tensor gradient = leaf.gradient();
        double[] rowLosses = rowSums(losses);
        double loss = 0;
        for (double row : rowLosses) {
            loss += row;
        }
        return new LossEvaluation(
                loss, rowLosses, gradient == null ? Tensor.zeros(leaf.type(), leaf.shape()) : gradient, result);
    }

    /** A failure of a user's objective is named as such; ours is ours. */
    private static ObjectiveResult compute(Objective objective, ObjectiveInputs inputs) {
        try {
            return objective.compute(inputs);
        } catch (RuntimeException e) {
            if (objective.getClass().getPackage().equals(Objective.class.getPackage())) {
                throw e;
            }
            throw new IllegalStateException("objective " + objective.getClass().getName() + " failed: " + e, e);
        }
    }

    /** Sums in the order of the tokens: a native reduction would depend on the width of the padding. */
    private static double[] rowSums(Tensor losses) {
        double[] values = losses.doubles();
        double[] sums = new double[Math.toIntExact(losses.size(0))];
        int time = Math.toIntExact(losses.size(1));
        for (int at = 0; at < values.length; at++) {
            sums[at / time] += values[at];
        }
        return sums;
    }

    /** Evaluates a whole update. */
    public static LossEvaluation of(Objective objective, ObjectiveInputs inputs, Aggregation aggregation) {
        return of(objective, inputs, aggregationOf(objective, aggregation).tokenWeights(inputs.mask()));
    }

    /**
     * The aggregation that an objective is trained with: the one it requires, the one asked for, or the token mean.
     *
     * @throws IllegalArgumentException if another one is asked for than the objective requires
     */
    public static Aggregation aggregationOf(Objective objective, @Nullable Aggregation asked) {
        Aggregation required = objective.requiredAggregation();
        if (required != null && asked != null && !required.equals(asked)) {
            throw new IllegalArgumentException("aggregation must be " + required + " with "
                    + Objectives.nameOf(objective) + ", got: " + asked + "; leave it out");
        }
        return asked != null ? asked : required != null ? required : Aggregation.TOKEN_MEAN;
    }
}

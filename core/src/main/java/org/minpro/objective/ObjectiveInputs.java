package org.minpro.objective;

import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.minpro.ratio.Ratios;
import org.minpro.tensor.Tensor;

/**
 * The numbers of one update, or of some of its rows: all that the parts of a {@link Loss} see.
 *
 * <p>All tensors are {@code [batch, time]} of one type, float32 or float64; log-probabilities are in nats, of
 * log-softmax(z / temperature).
 *
 * @param logProbs log pi_theta(y_t), live: the gradient of the loss is taken with respect to it
 * @param frozenLogProbs the same values as constants, for everything under a stop-gradient
 * @param streams log-probabilities of the other policies that the loss asked for by {@link LossPart#streams}
 * @param advantages A_t; with a reward for the outcome the same number on all tokens of a row
 * @param mask 1 where the policy wrote the token, else 0
 * @param statistics what the loss asked for by {@link LossPart#statistics}
 * @param anchor the denominator of {@link #ratios}
 */
public record ObjectiveInputs(
        Tensor logProbs,
        Tensor frozenLogProbs,
        Map<LogProbStream, Tensor> streams,
        Tensor advantages,
        Tensor mask,
        Map<Statistic, Tensor> statistics,
        Anchor anchor) {

    public ObjectiveInputs {
        if (frozenLogProbs.requiresGradient()) {
            throw new IllegalArgumentException("frozenLogProbs must be constants, got: a tensor with a gradient");
        }
        if (logProbs.dimensions() != 2) {
            throw new IllegalArgumentException(
                    "logProbs must be [batch, time], got: " + Arrays.toString(logProbs.shape()));
        }
        requireAlike("frozenLogProbs", frozenLogProbs, logProbs);
        streams.forEach((stream, tensor) -> requireAlike("logProbs of " + stream, tensor, logProbs));
        requireAlike("advantages", advantages, logProbs);
        requireAlike("mask", mask, logProbs);
        statistics.forEach((statistic, tensor) -> requireAlike(statistic.toString(), tensor, logProbs));
        if (!streams.containsKey(anchor.stream())) {
            throw new IllegalArgumentException("logProbs of " + anchor.stream() + " must be given with anchor "
                    + anchor.stream() + ", got: those of " + streams.keySet());
        }
        Map<LogProbStream, Tensor> ordered = new EnumMap<>(LogProbStream.class);
        ordered.putAll(streams);
        streams = Collections.unmodifiableMap(ordered);
        statistics = Map.copyOf(statistics);
    }

    private static void requireAlike(String name, Tensor tensor, Tensor logProbs) {
        if (!Arrays.equals(tensor.shape(), logProbs.shape()) || tensor.type() != logProbs.type()) {
            throw new IllegalArgumentException(name + " must be like logProbs, " + logProbs + ", got: " + tensor);
        }
    }

    /** What every objective needs; the frozen log-probabilities are the values of the live ones. */
    public static ObjectiveInputs of(Tensor logProbs, Tensor behaviorLogProbs, Tensor advantages, Tensor mask) {
        return new ObjectiveInputs(
                logProbs,
                logProbs.detach(),
                Map.of(LogProbStream.BEHAVIOR, behaviorLogProbs),
                advantages,
                mask,
                Map.of(),
                Anchor.BEHAVIOR);
    }

    /**
     * The same numbers, live in {@code leaf}, with zeros at masked tokens whatever stood there: a product with an infinity
     * in the padding would be no number, and so would its gradient.
     *
     * @param entropies the leaf of {@link Statistic#LIVE_ENTROPY}, or null where the loss does not ask for it
     */
    ObjectiveInputs differentiable(Tensor leaf, @Nullable Tensor entropies) {
        Tensor invalid = mask.equal(0);
        Map<LogProbStream, Tensor> masked = new EnumMap<>(LogProbStream.class);
        streams.forEach((stream, tensor) -> masked.put(stream, tensor.maskedFill(invalid, 0)));
        Map<Statistic, Tensor> given = new EnumMap<>(Statistic.class);
        given.putAll(statistics);
        if (entropies != null) {
            given.put(Statistic.LIVE_ENTROPY, entropies.maskedFill(invalid, 0));
        }
        return new ObjectiveInputs(
                leaf.maskedFill(invalid, 0),
                frozenLogProbs.maskedFill(invalid, 0),
                masked,
                advantages.maskedFill(invalid, 0),
                mask,
                given,
                anchor);
    }

    /**
     * The log-probabilities of another policy.
     *
     * @throws IllegalStateException if the loss did not ask for them
     */
    public Tensor logProbsOf(LogProbStream stream) {
        Tensor tensor = streams.get(stream);
        if (tensor == null) {
            throw new IllegalStateException("log-probabilities of " + stream
                    + " must be asked for by streams(), got: those of " + streams.keySet());
        }
        return tensor;
    }

    /**
     * A number of each token, {@code [batch, time]}.
     *
     * @throws IllegalStateException if the loss did not ask for it
     */
    public Tensor statistic(Statistic statistic) {
        Tensor tensor = statistics.get(statistic);
        if (tensor == null) {
            throw new IllegalStateException(
                    statistic + " must be asked for by statistics(), got: " + statistics.keySet());
        }
        return tensor;
    }

    /** Log-probabilities of the policy in the denominator of the ratios. */
    public Tensor anchorLogProbs() {
        return logProbsOf(anchor.stream());
    }

    /** The ratios of the frozen policy to the anchor: constants. */
    public Ratios ratios() {
        return Ratios.of(frozenLogProbs, anchorLogProbs(), mask);
    }

    /**
     * A constant ratio made live in its own token: {@code ratio * pi_theta / sg(pi_theta)}, which has the ratio's value
     * and the gradient {@code ratio * grad log pi_theta}, also where the ratio was clamped.
     */
    public Tensor live(Tensor ratio) {
        return logProbs.subtract(frozenLogProbs).exp().multiply(ratio);
    }
}

package org.minpro.objective;

import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.minpro.ratio.Ratios;
import org.minpro.tensor.Tensor;

/**
 * The numbers of one update, or of some of its rows: all that an objective sees.
 *
 * <p>All tensors are {@code [batch, time]} of one type, float32 or float64, unless said otherwise;
 * log-probabilities are in nats, of log-softmax(z / temperature).
 *
 * @param logProbs log pi_theta(y_t), live: the gradient of the loss is taken with respect to it
 * @param frozenLogProbs the same values as constants, for everything under a stop-gradient
 * @param behaviorLogProbs log mu(y_t), as the sampler reported it
 * @param proximalLogProbs log pi_prox(y_t) of the policy at the start of the update, or null
 * @param referenceLogProbs log pi_ref(y_t), or null
 * @param advantages A_t; with a reward for the outcome the same number on all tokens of a row
 * @param mask 1 where the policy wrote the token, else 0
 * @param rewards rewards, {@code [batch]}, or null
 * @param groups ordinal of the group of each row, {@code [batch]} int64, or null
 * @param versions version that sampled each token, {@code [batch, time]} int64, or null
 * @param statistics what the objective asked for by {@link Objective#statistics}
 * @param anchor the denominator of {@link #ratios}
 */
public record ObjectiveInputs(
        Tensor logProbs,
        Tensor frozenLogProbs,
        Tensor behaviorLogProbs,
        @Nullable Tensor proximalLogProbs,
        @Nullable Tensor referenceLogProbs,
        Tensor advantages,
        Tensor mask,
        @Nullable Tensor rewards,
        @Nullable Tensor groups,
        @Nullable Tensor versions,
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
        requireAlike("behaviorLogProbs", behaviorLogProbs, logProbs);
        requireAlike("proximalLogProbs", proximalLogProbs, logProbs);
        requireAlike("referenceLogProbs", referenceLogProbs, logProbs);
        requireAlike("advantages", advantages, logProbs);
        requireAlike("mask", mask, logProbs);
        if (anchor == Anchor.PROXIMAL && proximalLogProbs == null) {
            throw new IllegalArgumentException("proximalLogProbs must be given with anchor proximal, got: none");
        }
        statistics = Map.copyOf(statistics);
    }

    private static void requireAlike(String name, @Nullable Tensor tensor, Tensor logProbs) {
        if (tensor != null && (!Arrays.equals(tensor.shape(), logProbs.shape()) || tensor.type() != logProbs.type())) {
            throw new IllegalArgumentException(name + " must be like logProbs, " + logProbs + ", got: " + tensor);
        }
    }

    /** What every objective needs; the frozen log-probabilities are the values of the live ones. */
    public static ObjectiveInputs of(Tensor logProbs, Tensor behaviorLogProbs, Tensor advantages, Tensor mask) {
        return new ObjectiveInputs(
                logProbs,
                logProbs.detach(),
                behaviorLogProbs,
                null,
                null,
                advantages,
                mask,
                null,
                null,
                null,
                Map.of(),
                Anchor.BEHAVIOR);
    }

    public ObjectiveInputs withLogProbs(Tensor changed) {
        return new ObjectiveInputs(
                changed,
                frozenLogProbs,
                behaviorLogProbs,
                proximalLogProbs,
                referenceLogProbs,
                advantages,
                mask,
                rewards,
                groups,
                versions,
                statistics,
                anchor);
    }

    /** With another denominator of the ratios and the log-probabilities of the policy at the start of the update. */
    public ObjectiveInputs withProximal(@Nullable Tensor logProbsOfProximal, Anchor denominator) {
        return new ObjectiveInputs(
                logProbs,
                frozenLogProbs,
                behaviorLogProbs,
                logProbsOfProximal,
                referenceLogProbs,
                advantages,
                mask,
                rewards,
                groups,
                versions,
                statistics,
                denominator);
    }

    public ObjectiveInputs withReference(@Nullable Tensor logProbsOfReference) {
        return new ObjectiveInputs(
                logProbs,
                frozenLogProbs,
                behaviorLogProbs,
                proximalLogProbs,
                logProbsOfReference,
                advantages,
                mask,
                rewards,
                groups,
                versions,
                statistics,
                anchor);
    }

    public ObjectiveInputs withStatistics(Map<Statistic, Tensor> asked) {
        return new ObjectiveInputs(
                logProbs,
                frozenLogProbs,
                behaviorLogProbs,
                proximalLogProbs,
                referenceLogProbs,
                advantages,
                mask,
                rewards,
                groups,
                versions,
                asked,
                anchor);
    }

    /** With what rows are known by beside their tokens: rewards, groups and versions. */
    public ObjectiveInputs withRows(
            @Nullable Tensor rowRewards, @Nullable Tensor rowGroups, @Nullable Tensor tokenVersions) {
        return new ObjectiveInputs(
                logProbs,
                frozenLogProbs,
                behaviorLogProbs,
                proximalLogProbs,
                referenceLogProbs,
                advantages,
                mask,
                rowRewards,
                rowGroups,
                tokenVersions,
                statistics,
                anchor);
    }

    /**
     * The same numbers with zeros at masked tokens, whatever stood there: a product with an infinity in the padding
     * would be no number, and so would its gradient.
     */
    ObjectiveInputs withoutPadding() {
        Tensor invalid = mask.equal(0);
        return new ObjectiveInputs(
                logProbs.maskedFill(invalid, 0),
                frozenLogProbs.maskedFill(invalid, 0),
                behaviorLogProbs.maskedFill(invalid, 0),
                proximalLogProbs == null ? null : proximalLogProbs.maskedFill(invalid, 0),
                referenceLogProbs == null ? null : referenceLogProbs.maskedFill(invalid, 0),
                advantages.maskedFill(invalid, 0),
                mask,
                rewards,
                groups,
                versions,
                statistics,
                anchor);
    }

    /** Log-probabilities of the policy in the denominator of the ratios. */
    public Tensor anchorLogProbs() {
        return anchor == Anchor.PROXIMAL && proximalLogProbs != null ? proximalLogProbs : behaviorLogProbs;
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

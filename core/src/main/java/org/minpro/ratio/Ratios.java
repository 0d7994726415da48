package org.minpro.ratio;

import java.util.List;
import org.minpro.tensor.DType;
import org.minpro.tensor.Tensor;

/**
 * Importance ratios of sampled tokens between the current policy and the one that is divided by: token, prefix,
 * minimum of the preceding prefix, sequence.
 *
 * <p>With {@code d_t = clamp(log pi(y_t) - log mu(y_t), -20, 20)} over the valid tokens {@code t = 1..T} of a row:
 *
 * <ul>
 *   <li>token {@code rho_t = exp(d_t)};
 *   <li>prefix {@code rho_{1:t} = exp(d_1 + ... + d_t)}, the rigorous off-policy correction;
 *   <li>minimum of the preceding prefix {@code m_t = min(rho_1, ..., rho_{t-1})}, {@code m_1 = 1} (empty prefix), and
 *       the surrogate {@code m_t rho_t} of arXiv 2601.22718;
 *   <li>sequence {@code s = exp((d_1 + ... + d_T) / T)}, the geometric mean (GSPO, arXiv 2507.18071).
 * </ul>
 *
 * <p>Everything is kept as logarithms; whatever accumulates is clamped to [-20, 20] again before it is
 * exponentiated, so no value is infinite, zero or not a number. Masked tokens are skipped: they enter nothing, their
 * logarithms are 0 and their ratios are 0. All tensors are {@code [batch, time]} and have the type of the
 * log-probabilities; sums run in float64. Nothing here carries a gradient.
 */
public final class Ratios {
    /** The largest absolute log ratio that is exponentiated, in nats. */
    public static final double LOG_LIMIT = 20;

    private final Tensor logToken;
    private final Tensor mask;

    private Ratios(Tensor logToken, Tensor mask) {
        this.logToken = logToken;
        this.mask = mask;
    }

    /**
     * The ratios {@code exp(logProbs - anchorLogProbs)} of the tokens where {@code mask} is not 0.
     *
     * @param logProbs log-probabilities of the current policy as constants, {@code [batch, time]}, nats
     * @param anchorLogProbs those of the policy to divide by, same shape and type
     * @param mask 1 where the policy wrote the token, else 0, same shape and type
     */
    public static Ratios of(Tensor logProbs, Tensor anchorLogProbs, Tensor mask) {
        if (logProbs.requiresGradient()) {
            throw new IllegalArgumentException(
                    "logProbs of Ratios must be constants, got: a tensor with a gradient; pass frozenLogProbs");
        }
        Tensor valid = mask.notEqual(0); // [batch, time]
        Tensor difference = logProbs.subtract(anchorLogProbs).clamp(-LOG_LIMIT, LOG_LIMIT);
        return new Ratios(difference.maskedFill(valid.not(), 0), valid);
    }

    /** {@code d_t}, {@code [batch, time]}. */
    public Tensor logToken() {
        return logToken;
    }

    /** {@code rho_t}, {@code [batch, time]}. */
    public Tensor token() {
        return exponentiate(logToken);
    }

    /** {@code d_1 + ... + d_t}, this token included, {@code [batch, time]}. */
    public Tensor logPrefix() {
        return accumulated(logToken.cumulativeSumAsF64(1).to(logToken.type()));
    }

    /** {@code rho_{1:t}}, this token included, {@code [batch, time]}. */
    public Tensor prefix() {
        return exponentiate(logPrefix());
    }

    /**
     * {@code min(d_1, ..., d_{t-1})}, this token excluded, {@code [batch, time]}.
     *
     * @param includesOne whether the empty prefix's ratio 1 stays in the minimum, so that it never exceeds 1
     */
    public Tensor logPrefixMinimum(boolean includesOne) {
        long rows = logToken.size(0);
        long time = logToken.size(1);
        if (time == 0) {
            return logToken;
        }
        double empty = Double.POSITIVE_INFINITY;
        DType type = logToken.type();
        Tensor inclusive = logToken.maskedFill(mask.not(), empty).cumulativeMinimum(1);
        Tensor exclusive = Tensor.concatenate(
                List.of(Tensor.full(logToken.device(), type, empty, rows, 1), inclusive.narrow(1, 0, time - 1)), 1);
        Tensor minimum = exclusive.maskedFill(exclusive.equal(empty), 0);
        return accumulated(includesOne ? minimum.clampMaximum(0) : minimum);
    }

    /** {@code min(rho_1, ..., rho_{t-1})}, {@code [batch, time]}. */
    public Tensor prefixMinimum(boolean includesOne) {
        return exponentiate(logPrefixMinimum(includesOne));
    }

    /** {@code log(m_t rho_t) = min(d_1, ..., d_{t-1}) + d_t}, {@code [batch, time]}. */
    public Tensor logMinimumPrefixRatio(boolean includesOne) {
        return accumulated(logPrefixMinimum(includesOne).add(logToken));
    }

    /** The minimum prefix ratio {@code m_t rho_t}, {@code [batch, time]}. */
    public Tensor minimumPrefixRatio(boolean includesOne) {
        return exponentiate(logMinimumPrefixRatio(includesOne));
    }

    /** {@code (d_1 + ... + d_T) / T}, the same number on every valid token of a row, {@code [batch, time]}. */
    public Tensor logSequence() {
        Tensor lengths = mask.to(DType.F64).sum(1, true).clampMinimum(1); // [batch, 1]
        Tensor mean = logToken.sumAsF64(1, true).divide(lengths).to(logToken.type()); // [batch, 1]
        return accumulated(mean.expand(logToken.shape()));
    }

    /** {@code s}, the same number on every valid token of a row, {@code [batch, time]}. */
    public Tensor sequence() {
        return exponentiate(logSequence());
    }

    private Tensor accumulated(Tensor logarithms) {
        return logarithms.clamp(-LOG_LIMIT, LOG_LIMIT).maskedFill(mask.not(), 0);
    }

    private Tensor exponentiate(Tensor logarithms) {
        return logarithms.exp().maskedFill(mask.not(), 0);
    }
}

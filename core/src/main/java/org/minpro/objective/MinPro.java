package org.minpro.objective;

import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * MinPRO: token ratios corrected by the minimum token ratio of the preceding prefix (arXiv 2601.22718).
 *
 * <p>With {@code rho_t = pi_theta(y_t) / mu(y_t)} over the valid tokens, {@code m_t = min_{i<t} rho_i} and {@code m_1 =
 * 1}, the surrogate {@code w_t = m_t rho_t} stands for the full product {@code rho_1 ... rho_t}:
 *
 * <ul>
 *   <li>form {@code weight}, the paper's: {@code l_t = -sg(clip(w_t, floor, cap)) A_t log pi_theta(y_t)}, gradient
 *       coefficient {@code g_t = clip(w_t, floor, cap) A_t};
 *   <li>form {@code clip}, PPO's: {@code l_t = max(-A_t w_t, -A_t clip(w_t, 1 - clipLow, 1 + clipHigh))} with {@code
 *       w_t} live in its own token, {@code g_t = A_t w_t 1[not clipped]}.
 * </ul>
 *
 * The surrogate is exact for the first two tokens. It needs no other row.
 *
 * @param floor lower bound of the weight, absolute, in form {@code weight}. The paper's window was not found; 0 keeps
 *     the suppression after an unlikely token, 0.8 (a half-width of 0.2) would undo most of it
 * @param cap upper bound of the weight, absolute, in form {@code weight}. Not found either; 1.28 ended at least as high as 5 at
 *     each of four lags (docs/study.md)
 * @param prefixMinimumIncludesOne whether {@code m_t = min(1, rho_1, ..., rho_{t-1})}, so that a prefix never raises a
 *     weight. The paper does not spell out the empty prefix; false is exact at the second token
 * @param form which of the two losses
 * @param clipLow half-width of the window below 1 in form {@code clip}
 * @param clipHigh half-width of the window above 1 in form {@code clip}
 */
@Described(family = "prefix", formula = "−sg(clip(mρ)) A log π", source = "arXiv 2601.22718")
public record MinPro(
        @Doc("In form weight, lower bound of the weight, absolute.")
        double floor,

        @Doc("In form weight, upper bound of the weight, absolute; .inf for none.")
        double cap,

        @Doc("Whether the prefix minimum is min(1, rho_1, ..., rho_{t-1}), so that a prefix never raises a weight.")
        boolean prefixMinimumIncludesOne,

        @Doc(
                "What the minimum prefix ratio is: a constant weight of log pi (weight, the paper's) or the ratio in PPO's clip (clip).")
        PrefixForm form,

        @Doc("In form clip, half-width of the window below 1.")
        double clipLow,

        @Doc("In form clip, half-width of the window above 1.")
        double clipHigh)
        implements Objective {

    public MinPro {
        ConstantWeight.check(floor, cap);
        ClippedSurrogate.check(clipLow, clipHigh);
    }

    /** Weights between 0 and 1.28, the minimum over real tokens. */
    public MinPro() {
        this(0, 1.28, false, PrefixForm.WEIGHT, 0.2, 0.28);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor ratio = inputs.ratios().minimumPrefixRatio(prefixMinimumIncludesOne); // [batch, time]
        return form.of(inputs, ratio, floor, cap, clipLow, clipHigh);
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }
}

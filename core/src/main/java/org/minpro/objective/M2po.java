package org.minpro.objective;

import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * M2PO: a trust region in the second moment of the log ratio over the whole update (arXiv 2510.01161).
 *
 * <p>With {@code r_t = pi_theta(y_t) / mu(y_t)} and {@code v_t = (log r_t)^2}:
 *
 * <ul>
 *   <li>form {@code clip}, the authors' code: over the tokens that PPO could clip ({@code A > 0 and r > 1}, or {@code A
 *       < 0 and r < 1}; H of them) find tau with {@code sum min(v, tau^2) = threshold H}; then PPO's clip with the window
 *       {@code [exp(-tau), exp(tau)]}, widened to at least {@code [1 - clipLow, 1 + clipHigh]}; no clip where the mean of
 *       v is within the threshold already. The equation is solved here; the code takes the largest v below the solution as
 *       tau^2, and clips the token that sets it;
 *   <li>form {@code mask}, the paper's text: drop the tokens of largest v until the mean of v over the others is within
 *       the threshold; {@code l_t = -M_t A_t r_t}. At least the tokens of smallest v stay. Dropped tokens stay in the
 *       denominator, as in the paper's {@code 1 / sum |o_i|}. Tokens of equal v stay or go together, so that the order
 *       of rows does not matter.
 * </ul>
 *
 * Gradient coefficients {@code g_t = A_t r_t 1[not clipped]} and {@code g_t = M_t A_t r_t}.
 *
 * @param form which of the two
 * @param threshold the second moment allowed, nats^2
 * @param clipLow in form {@code clip}: the window reaches at least this far below 1
 * @param clipHigh in form {@code clip}: the window reaches at least this far above 1
 */
@Described(family = "clip", formula = "max(−Aρ, −A clip(ρ)) or −MAρ", source = "arXiv 2510.01161")
public record M2po(
        @Doc(
                "How the second moment is bounded: by an adaptive clip window (clip, the authors' code) or by leaving tokens out (mask, the text).")
        Form form,

        @Doc("The second moment of the log ratio allowed, nats^2.")
        double threshold,

        @Doc("In form clip, the window reaches at least this far below 1.")
        double clipLow,

        @Doc("In form clip, the window reaches at least this far above 1.")
        double clipHigh)
        implements Objective {
    /** How the second moment is bounded. */
    public enum Form {
        /** By a clip window that adapts to the update. */
        CLIP,
        /** By leaving tokens out. */
        MASK;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public M2po {
        if (!(threshold > 0 && Double.isFinite(threshold))) {
            throw new IllegalArgumentException("threshold must be > 0 and finite, got: " + threshold);
        }
        ClippedSurrogate.check(clipLow, clipHigh);
    }

    /** The authors' code: 0.04, window never within 0.3 / 0.5. */
    public M2po() {
        this(Form.CLIP, 0.04, 0.3, 0.5);
    }

    @Override
    public Reach reach() {
        return Reach.BATCH;
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        return switch (form) {
            case CLIP -> clip(inputs);
            case MASK -> mask(inputs);
        };
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }

    private ObjectiveResult clip(ObjectiveInputs inputs) {
        double[] logRatios = inputs.ratios().logToken().doubles();
        double[] advantages = inputs.advantages().doubles();
        double[] mask = inputs.mask().doubles();
        double[] squares = new double[logRatios.length];
        int harmful = 0;
        for (int i = 0; i < squares.length; i++) {
            if (mask[i] != 0 && advantages[i] * logRatios[i] > 0) {
                squares[harmful++] = logRatios[i] * logRatios[i];
            }
        }
        double tau = tau(Arrays.copyOf(squares, harmful), threshold);
        return ClippedSurrogate.of(
                inputs,
                inputs.ratios().token(),
                Math.min(Math.exp(-tau), 1 - clipLow),
                Math.max(Math.exp(tau), 1 + clipHigh),
                Double.isInfinite(tau) ? Map.of() : Map.of("m2po/tau", tau));
    }

    /** tau with {@code sum min(square, tau^2) = threshold * count}, infinite where the mean is within the threshold. */
    private static double tau(double[] squares, double threshold) {
        Arrays.sort(squares);
        double left = threshold * squares.length;
        for (int i = 0; i < squares.length; i++) {
            double tauSquared = left / (squares.length - i);
            if (tauSquared < squares[i]) {
                return Math.sqrt(tauSquared);
            }
            left -= squares[i];
        }
        return Double.POSITIVE_INFINITY;
    }

    private ObjectiveResult mask(ObjectiveInputs inputs) {
        Tensor squares = inputs.ratios().logToken().square(); // [batch, time]
        Tensor valid = inputs.mask().notEqual(0);
        double smallestDropped =
                smallestDropped(squares.doubles(), inputs.mask().doubles(), threshold);
        Tensor dropped = squares.greaterOrEqual(smallestDropped).and(valid);
        Tensor weights = inputs.ratios().token().maskedFill(dropped, 0);
        Tensor losses = inputs.live(weights).multiply(inputs.advantages()).negate();
        return new ObjectiveResult(
                losses, weights, Map.of("m2po/masked_fraction", dropped.to(squares.type())), Map.of());
    }

    /** The smallest square that must go, infinite if none; the squares below it have a mean within the threshold. */
    private static double smallestDropped(double[] squares, double[] mask, double threshold) {
        double[] sorted = new double[squares.length];
        int count = 0;
        for (int i = 0; i < squares.length; i++) {
            if (mask[i] != 0) {
                sorted[count++] = squares[i];
            }
        }
        Arrays.sort(sorted, 0, count);
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += sorted[i];
            // The smallest ones stay whatever they are.
            if (sum > threshold * (i + 1) && sorted[i] > sorted[0]) {
                return sorted[i];
            }
        }
        return Double.POSITIVE_INFINITY;
    }
}

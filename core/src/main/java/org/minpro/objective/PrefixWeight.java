package org.minpro.objective;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.minpro.config.Doc;
import org.minpro.ratio.Ratios;
import org.minpro.tensor.Tensor;

/**
 * The design space of prefix corrections: a weight of the tokens before, m_t, times the token's own ratio, clipped as one.
 *
 * <p>With {@code d_i = log rho_i} and every sum and minimum over the valid tokens {@code i < t}, empty ones being 0, {@code log m_t} is
 *
 * <ul>
 *   <li>{@code product}: {@code sum d_i}, the full product; the objective {@code prefix};
 *   <li>{@code window}: the sum over the last {@code window} of them;
 *   <li>{@code minimum}: {@code min d_i} (arXiv 2601.22718); the objective {@code minpro};
 *   <li>{@code window-minimum}: the minimum over the last {@code window} of them;
 *   <li>{@code geometric-mean}: {@code sum d_i / (t - 1)};
 *   <li>{@code v-trace}: {@code sum min(0, d_i)}, each ratio cut at 1 (arXiv 1802.01561);
 *   <li>{@code moving-average}: {@code e_t = decay e_{t-1} + (1 - decay) d_{t-1}}, {@code e_1 = 0};
 *   <li>{@code batch-normalised}: the product over the mean of the products at all valid tokens of the update;
 *   <li>{@code group-normalised}: the product over the geometric mean of the products at the same place of the group's responses.
 * </ul>
 *
 * PrefixForm {@code weight}: {@code l_t = -sg(clip(m_t rho_t, floor, cap)) A_t log pi_theta(y_t)}, {@code g_t = clip(m_t rho_t, floor, cap) A_t}. PrefixForm {@code
 * clip}: {@code l_t = max(-A_t m_t rho_t, -A_t clip(m_t rho_t, 1 - clipLow, 1 + clipHigh))}, live in its own token, {@code g_t = A_t m_t rho_t 1[not
 * clipped]}. All but {@code product}, {@code minimum} and {@code v-trace} are inferred: they come from no paper.
 *
 * @param kind the weight of the tokens before: product, window, minimum, window-minimum, geometric-mean, v-trace, moving-average, batch-normalised or group-normalised
 * @param window in kinds window and window-minimum, how many tokens before count
 * @param decay in kind moving-average, what a step keeps of the average before
 * @param form what the ratio is: a constant weight of log pi (weight) or the ratio in PPO's clip (clip)
 * @param floor in form weight, lower bound of the weight, absolute
 * @param cap in form weight, upper bound of the weight, absolute; .inf for none
 * @param clipLow in form clip, half-width of the window below 1
 * @param clipHigh in form clip, half-width of the window above 1
 */
@Described(
        family = "prefix",
        formula = "−sg(clip(m_t ρ_t)) A log π or max(−A m_tρ_t, −A clip(m_tρ_t)), m_t by kind",
        source = "arXiv 2601.22718 and its relatives")
public record PrefixWeight(
        @Doc(
                "The weight of the tokens before: product, window, minimum, window-minimum, geometric-mean, v-trace, moving-average, batch-normalised or group-normalised.")
        Kind kind,

        @Doc("In kinds window and window-minimum, how many tokens before count.")
        int window,

        @Doc("In kind moving-average, what a step keeps of the average before.")
        double decay,

        @Doc("What the ratio is: a constant weight of log pi (weight) or the ratio in PPO's clip (clip).")
        PrefixForm form,

        @Doc("In form weight, lower bound of the weight, absolute.")
        double floor,

        @Doc("In form weight, upper bound of the weight, absolute; .inf for none.")
        double cap,

        @Doc("In form clip, half-width of the window below 1.")
        double clipLow,

        @Doc("In form clip, half-width of the window above 1.")
        double clipHigh)
        implements Objective {
    /** What the weight of the tokens before is. */
    public enum Kind {
        PRODUCT,
        WINDOW,
        MINIMUM,
        WINDOW_MINIMUM,
        GEOMETRIC_MEAN,
        V_TRACE,
        MOVING_AVERAGE,
        BATCH_NORMALISED,
        GROUP_NORMALISED;

        /** Those that are normalised need the other rows. */
        Reach reach() {
            return this == BATCH_NORMALISED || this == GROUP_NORMALISED ? Reach.BATCH : Reach.ROW;
        }

        /** The name in a configuration, such as {@code window-minimum}. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    public PrefixWeight {
        Rule.atLeastOne("window", window);
        Rule.fraction("decay", decay);
        ConstantWeight.check(floor, cap);
        ClippedSurrogate.check(clipLow, clipHigh);
    }

    /** The bounds of {@link PrefixRatio}, so that the kinds compare; the window of 32 tokens is inferred. */
    public PrefixWeight() {
        this(Kind.MINIMUM, 32, 0.9, PrefixForm.WEIGHT, 0, 5, 0.2, 0.28);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor ratio = logWeights(inputs)
                .clamp(-Ratios.LOG_LIMIT, Ratios.LOG_LIMIT)
                .exp()
                .maskedFill(inputs.mask().equal(0), 0); // [batch, time]
        return form.of(inputs, ratio, floor, cap, clipLow, clipHigh);
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }

    @Override
    public Reach reach() {
        return kind.reach();
    }

    @Override
    public Set<Statistic> statistics() {
        return kind == Kind.GROUP_NORMALISED ? Set.of(Statistic.GROUP) : Set.of();
    }

    /** {@code log m_t + d_t}. */
    private Tensor logWeights(ObjectiveInputs inputs) {
        Tensor d = inputs.ratios().logToken();
        return switch (kind) {
            case BATCH_NORMALISED, GROUP_NORMALISED -> RowValues.constant(inputs, normalised(inputs, d));
            default ->
                RowValues.map(inputs, d, row -> {
                    double[] weights = before(row);
                    for (int t = 0; t < row.length; t++) {
                        weights[t] += row[t];
                    }
                    return weights;
                });
        };
    }

    /** {@code log m_t} of the tokens of a row. */
    private double[] before(double[] d) {
        double[] weights = new double[d.length];
        double sum = 0;
        double average = 0;
        double minimum = Double.POSITIVE_INFINITY;
        for (int t = 1; t < d.length; t++) {
            double last = d[t - 1];
            sum += kind == Kind.V_TRACE ? Math.min(0, last) : last;
            average = decay * average + (1 - decay) * last;
            minimum = Math.min(minimum, last);
            weights[t] = switch (kind) {
                case PRODUCT, V_TRACE, BATCH_NORMALISED, GROUP_NORMALISED -> sum;
                case MINIMUM -> minimum;
                case GEOMETRIC_MEAN -> sum / t;
                case MOVING_AVERAGE -> average;
                case WINDOW -> Arrays.stream(d, Math.max(0, t - window), t).reduce(0, Double::sum);
                case WINDOW_MINIMUM ->
                    Arrays.stream(d, Math.max(0, t - window), t).min().orElse(0);
            };
        }
        return weights;
    }

    /** The products before each token, divided by what they are normalised by, with the token's own ratio. */
    private double[] normalised(ObjectiveInputs inputs, Tensor d) {
        double[] own = d.doubles();
        double[] mask = inputs.mask().doubles();
        double[] places = RowValues.positions(inputs).doubles();
        double[] groups = kind == Kind.GROUP_NORMALISED
                ? inputs.statistic(Statistic.GROUP).doubles()
                : new double[own.length];
        double[] products = RowValues.map(inputs, d, this::before).doubles();
        Map<List<Double>, List<Double>> alike = new TreeMap<>(PrefixWeight::compare);
        for (int at = 0; at < own.length; at++) {
            if (mask[at] != 0) {
                alike.computeIfAbsent(key(groups[at], places[at]), absent -> new ArrayList<>())
                        .add(products[at]);
            }
        }
        Map<List<Double>, Double> divisors = new TreeMap<>(PrefixWeight::compare);
        alike.forEach((key, logs) -> divisors.put(key, logMean(logs)));
        double[] weights = new double[own.length];
        for (int at = 0; at < own.length; at++) {
            if (mask[at] != 0) {
                weights[at] = products[at] - divisors.getOrDefault(key(groups[at], places[at]), 0.0) + own[at];
            }
        }
        return weights;
    }

    private List<Double> key(double group, double place) {
        return kind == Kind.GROUP_NORMALISED ? List.of(group, place) : List.of(0.0, 0.0);
    }

    private static int compare(List<Double> first, List<Double> second) {
        int byGroup = Double.compare(first.get(0), second.get(0));
        return byGroup != 0 ? byGroup : Double.compare(first.get(1), second.get(1));
    }

    /** The logarithm of the arithmetic mean over the batch, or of the geometric one over a group. */
    private double logMean(List<Double> logs) {
        double sum = 0;
        for (double log : logs) {
            sum += kind == Kind.GROUP_NORMALISED
                    ? log
                    : Math.exp(Math.min(Math.max(log, -Ratios.LOG_LIMIT), Ratios.LOG_LIMIT));
        }
        double mean = sum / logs.size();
        return kind == Kind.GROUP_NORMALISED ? mean : Math.log(mean);
    }
}

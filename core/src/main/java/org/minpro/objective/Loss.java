package org.minpro.objective;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.minpro.config.NamedRecords;
import org.minpro.tensor.Tensor;

/**
 * The loss of an update: {@code sum_{i,t} a_{i,t} (w_{i,t} l_{i,t} + p_{i,t})}.
 *
 * <p>Where a correction says so, tokens of weight 0 count in no denominator of a. {@code l} are the losses of the objective, {@code w} the product of the corrections (constants, 1 without any),
 * {@code p} the sum of the penalties and {@code a} the weights of the aggregation. What it needs (reach, log-probabilities,
 * statistics) is what any of its parts needs. The rules that span parts are those of this constructor.
 *
 * @param objective the losses
 * @param corrections what multiplies the objective's losses, no two of a kind
 * @param penalties what is added, no two of a kind that read the same policies
 * @param aggregation how the losses of all tokens become one number; the one that the objective requires, if it does
 * @param anchor the denominator of the ratios
 */
public record Loss(
        Objective objective,
        List<Correction> corrections,
        List<Penalty> penalties,
        Aggregation aggregation,
        Anchor anchor)
        implements LossPart {

    public Loss {
        corrections = List.copyOf(corrections);
        penalties = List.copyOf(penalties);
        Aggregation required = objective.requiredAggregation();
        if (required != null && !required.equals(aggregation)) {
            throw new IllegalArgumentException("aggregation must be " + required + " with "
                    + Objectives.nameOf(objective) + ", got: " + aggregation + "; leave it out");
        }
        requireDifferent("corrections", corrections, Corrections.table());
        requireDifferent("penalties", penalties, Penalties.table());
    }

    /** Two of a kind would be a mistake, and could not be told apart in the metrics. */
    private static void requireDifferent(
            String what, Collection<? extends LossPart> parts, NamedRecords<? extends LossPart> table) {
        Set<List<Object>> seen = new HashSet<>();
        for (LossPart part : parts) {
            if (!seen.add(List.of(part.getClass(), part.streams()))) {
                throw new IllegalArgumentException(
                        what + " must differ in kind or in the policies that they read, got: " + table.nameOf(part)
                                + " twice");
            }
        }
    }

    /** An objective alone, with the aggregation that it requires, else the token mean. */
    public static Loss of(Objective objective) {
        return of(objective, List.of(), List.of(), null, Anchor.BEHAVIOR);
    }

    /** @param aggregation the one asked for; null takes the one that the objective requires, else the token mean */
    public static Loss of(
            Objective objective,
            List<Correction> corrections,
            List<Penalty> penalties,
            @Nullable Aggregation aggregation,
            Anchor anchor) {
        Aggregation required = objective.requiredAggregation();
        return new Loss(
                objective,
                corrections,
                penalties,
                aggregation != null ? aggregation : required != null ? required : Aggregation.TOKEN_MEAN,
                anchor);
    }

    /** This loss with one penalty more. */
    public Loss with(Penalty penalty) {
        List<Penalty> more = new ArrayList<>(penalties);
        more.add(penalty);
        return new Loss(objective, corrections, more, aggregation, anchor);
    }

    private List<LossPart> parts() {
        List<LossPart> parts = new ArrayList<>();
        parts.add(objective);
        parts.addAll(corrections);
        parts.addAll(penalties);
        return parts;
    }

    /** The whole update where any part needs it. */
    @Override
    public Reach reach() {
        return parts().stream().anyMatch(part -> part.reach() == Reach.BATCH) ? Reach.BATCH : Reach.ROW;
    }

    /** What any part reads, the anchor's and the behaviour policy's. */
    @Override
    public Set<LogProbStream> streams() {
        Set<LogProbStream> streams = EnumSet.of(LogProbStream.BEHAVIOR, anchor.stream());
        parts().forEach(part -> streams.addAll(part.streams()));
        return Collections.unmodifiableSet(streams);
    }

    @Override
    public Set<Statistic> statistics() {
        Set<Statistic> statistics = EnumSet.noneOf(Statistic.class);
        parts().forEach(part -> statistics.addAll(part.statistics()));
        return Collections.unmodifiableSet(statistics);
    }

    /** Whether the gradient is known to be zero in an update whose advantages are all 0. */
    public boolean vanishesWithAdvantages() {
        return objective.vanishesWithAdvantages() && penalties.stream().allMatch(Penalty::vanishesWithAdvantages);
    }

    /** The losses of all tokens, {@code w l + p}, with the weights of objective and corrections and the metrics of all parts. */
    ObjectiveResult compute(ObjectiveInputs inputs) {
        ObjectiveResult own = compute(Objectives.table(), objective, part -> part.compute(inputs));
        Tensor losses = own.tokenLosses(); // [batch, time]
        Map<String, Tensor> tokenMetrics = new HashMap<>(own.tokenMetrics());
        Tensor multipliers = own.weights();
        Tensor counted = inputs.mask();
        for (Correction correction : corrections) {
            Correction.Weights weights = compute(Corrections.table(), correction, part -> part.compute(inputs));
            losses = losses.multiply(weights.values());
            multipliers = multipliers == null ? null : multipliers.multiply(weights.values());
            weights.tokenMetrics().forEach((name, values) -> putNew(tokenMetrics, name, values));
            if (correction.zerosLeaveDenominator()) {
                counted = counted.maskedFill(weights.values().equal(0), 0);
            }
        }
        if (corrections.stream().anyMatch(Correction::zerosLeaveDenominator)) {
            // The weights of all valid tokens are multiplied outside: here by what makes them those of the counted
            // ones.
            Tensor all = aggregation.tokenWeights(inputs.mask());
            losses = losses.multiply(aggregation.tokenWeights(counted).divide(all.maskedFill(all.equal(0), 1)));
        }
        for (Penalty penalty : penalties) {
            Penalty.Losses added = compute(Penalties.table(), penalty, part -> part.compute(inputs));
            losses = losses.add(added.values());
            added.tokenMetrics().forEach((name, values) -> putNew(tokenMetrics, name, values));
        }
        return new ObjectiveResult(losses, multipliers, tokenMetrics, own.updateMetrics());
    }

    private static void putNew(Map<String, Tensor> tokenMetrics, String name, Tensor values) {
        if (tokenMetrics.put(name, values) != null) {
            throw new IllegalStateException(
                    "a metric must be reported by one part of the loss, got: " + name + " twice");
        }
    }

    /** A failure of a user's part is named as such; ours is ours. */
    private static <P extends LossPart, R> R compute(NamedRecords<P> table, P part, Function<P, R> computation) {
        try {
            return computation.apply(part);
        } catch (RuntimeException e) {
            if (part.getClass().getPackage().equals(Loss.class.getPackage())) {
                throw e;
            }
            throw new IllegalStateException(table.what() + " " + part.getClass().getName() + " failed: " + e, e);
        }
    }
}

package org.minpro.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.minpro.model.RoutingStatistics;
import org.minpro.objective.LogProbStream;
import org.minpro.objective.LossMetrics;
import org.minpro.ratio.Ledger;
import org.minpro.ratio.RatioStatistics;

/**
 * What was seen of the rows of one update, or of several that belong together, each before its step.
 *
 * @param entropy mean over all valid tokens, nats, or null where entropies were not computed
 * @param age mean over all valid tokens of the optimizer steps between the version that sampled and the one updated
 * @param loss of the loss, combined over the updates
 * @param gradientNorm before clipping, mean over the updates
 * @param routing what the sparse layers decided, of all rows
 * @param ratios of the policy to the one that sampled, over all valid tokens
 * @param ledger of the same tokens
 * @param reference ratios of the reference model to the policy, or null where the rows have nothing of it
 * @param entropyCoefficient of the bonus that follows a target, mean over the updates, or null where there is none
 */
public record UpdateMetrics(
        @Nullable Double entropy,
        double age,
        LossMetrics loss,
        double gradientNorm,
        RoutingStatistics routing,
        RatioStatistics ratios,
        Ledger ledger,
        @Nullable RatioStatistics reference,
        @Nullable Double entropyCoefficient) {

    /** @param updates at least one, none of them skipped */
    static UpdateMetrics of(List<Update> updates) {
        List<TrainingRow> rows = new ArrayList<>();
        List<float[]> logProbs = new ArrayList<>();
        List<Ledger.Row> ledger = new ArrayList<>();
        RoutingStatistics routing = new RoutingStatistics();
        boolean withEntropy = true;
        double entropies = 0;
        double ages = 0;
        double norms = 0;
        long tokens = 0;
        for (Update update : updates) {
            Update.Step step = update.requireStep();
            for (int i = 0; i < update.rows().size(); i++) {
                TrainingRow row = update.rows().get(i);
                float[] ofTokens = step.scored().entropies()[i];
                withEntropy &= ofTokens.length == row.length();
                for (int t = 0; t < row.length(); t++) {
                    if (row.mask()[t]) {
                        tokens++;
                        entropies += withEntropy ? ofTokens[t] : 0;
                        ages += step.version() - row.versions()[t];
                    }
                }
                rows.add(row);
                logProbs.add(step.scored().logProbs()[i]);
                ledger.add(new Ledger.Row(
                        step.scored().logProbs()[i],
                        row.logProbs(LogProbStream.BEHAVIOR),
                        row.mask(),
                        row.versions(),
                        step.version(),
                        step.scored().weights()[i],
                        row.logProbs().getOrDefault(LogProbStream.SAMPLING, new float[0])));
            }
            norms += step.gradientNorm();
            routing.add(step.routing());
        }
        return new UpdateMetrics(
                withEntropy ? entropies / tokens : null,
                ages / tokens,
                LossMetrics.of(updates.stream()
                        .map(update -> update.requireStep().metrics())
                        .toList()),
                norms / updates.size(),
                routing,
                ratios(rows, logProbs),
                Ledger.of(ledger),
                rows.stream().allMatch(row -> row.logProbs().containsKey(LogProbStream.REFERENCE))
                        ? RatioStatistics.of(
                                streams(rows, LogProbStream.REFERENCE),
                                logProbs.toArray(float[][]::new),
                                rows.stream().map(TrainingRow::mask).toArray(boolean[][]::new))
                        : null,
                updates.stream().allMatch(update -> update.requireStep().entropyCoefficient() != null)
                        ? updates.stream()
                                .mapToDouble(update -> Objects.requireNonNull(
                                        update.requireStep().entropyCoefficient()))
                                .average()
                                .orElseThrow()
                        : null);
    }

    /** The ratios of the policy to the one that sampled. */
    static RatioStatistics ratios(List<TrainingRow> rows, List<float[]> logProbs) {
        return RatioStatistics.of(
                logProbs.toArray(float[][]::new),
                streams(rows, LogProbStream.BEHAVIOR),
                rows.stream().map(TrainingRow::mask).toArray(boolean[][]::new));
    }

    private static float[][] streams(List<TrainingRow> rows, LogProbStream stream) {
        return rows.stream().map(row -> row.logProbs(stream)).toArray(float[][]::new);
    }

    /** The numbers by the names that they have in the metrics. */
    public Map<String, Double> metrics() {
        Map<String, Double> metrics = new LinkedHashMap<>();
        if (entropy != null) {
            metrics.put("entropy", entropy);
        }
        metrics.put("age/mean", age);
        Map<String, Double> ofLoss = new TreeMap<>(loss.metrics());
        ofLoss.put("grad_norm", gradientNorm);
        metrics.putAll(ofLoss);
        metrics.putAll(routing.metrics());
        metrics.putAll(ratios.metrics());
        metrics.putAll(ledger.numbers());
        if (reference != null && reference.tokens() > 0) {
            metrics.put("reference/k1", reference.k1());
            metrics.put("reference/k2", reference.k2());
            metrics.put("reference/k3", reference.k3());
        }
        if (entropyCoefficient != null) {
            metrics.put("entropy_coefficient", entropyCoefficient);
        }
        return metrics;
    }
}

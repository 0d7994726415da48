package org.minpro.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.DoubleBinaryOperator;
import org.minpro.model.RoutingStatistics;
import org.minpro.objective.Aggregation;
import org.minpro.objective.Anchor;
import org.minpro.objective.Objective;
import org.minpro.ratio.RatioStatistics;
import org.minpro.tensor.Workers;

/** Turns rows into updates of a policy. */
public final class Learner implements AutoCloseable {
    /**
     * @param temperature of the log-probabilities, the sampler's
     * @param totalUpdates of the whole run, for the schedule
     */
    public record Settings(
            Objective objective,
            Aggregation aggregation,
            Anchor anchor,
            OptimizerSettings optimizer,
            int lanes,
            int microBatchTokens,
            double temperature,
            long totalUpdates) {}

    private final Settings settings;
    private final Policy policy;
    private final PolicyGradient gradient;
    private final PolicyUpdater updater;
    private final AdamW optimizer;
    private long updates;

    public Learner(Policy policy, Settings settings, Workers workers) {
        this.settings = settings;
        this.policy = policy;
        gradient = new PolicyGradient(
                policy::model, workers, settings.lanes(), settings.microBatchTokens(), settings.temperature());
        optimizer = new AdamW(settings.optimizer(), policy.master());
        updater = new PolicyUpdater(
                policy,
                gradient,
                optimizer,
                settings.objective(),
                settings.aggregation(),
                settings.anchor(),
                settings.optimizer().gradientClipNorm(),
                workers);
    }

    public Policy policy() {
        return policy;
    }

    public AdamW optimizer() {
        return optimizer;
    }

    public long updates() {
        return updates;
    }

    /** Goes on from a checkpoint, whose weights and optimizer tensors have been read. */
    public void restore(long updatesDue, long version, long optimizerSteps) {
        updates = updatesDue;
        optimizer.setSteps(optimizerSteps);
        policy.publish(version);
    }

    public float[][] score(List<TrainingRow> rows) {
        return gradient.score(rows, false).logProbs();
    }

    /** Seconds that an update takes per response token, from the gradient of some rows, which is thrown away. */
    public double secondsPerToken(List<TrainingRow> rows) {
        double[][] weights = new double[rows.size()][];
        long tokens = 0;
        for (int i = 0; i < weights.length; i++) {
            weights[i] = new double[rows.get(i).length()];
            Arrays.fill(weights[i], 1);
            tokens += weights[i].length;
        }
        long start = System.nanoTime();
        gradient.compute(rows, settings.objective(), Anchor.BEHAVIOR, weights, true)
                .close();
        return (System.nanoTime() - start) / 1e9 / tokens;
    }

    /** The updates of an iteration. */
    public Map<String, Double> learn(List<List<TrainingRow>> rowsOfUpdates, UpdateListener listener) {
        List<List<TrainingRow>> updatesRows =
                settings.anchor() == Anchor.PROXIMAL ? withProximal(rowsOfUpdates) : rowsOfUpdates;
        int parts = updatesRows.size();
        Map<String, Double> metrics = new LinkedHashMap<>();
        List<TrainingRow> seen = new ArrayList<>();
        List<float[]> logProbs = new ArrayList<>();
        double entropy = 0;
        double ages = 0;
        long tokens = 0;
        int skipped = 0;
        Map<String, Double> sums = new TreeMap<>();
        // Not every update has every number: m2po has a tau only where it needs one.
        Map<String, Integer> updatesWith = new TreeMap<>();
        RoutingStatistics routing = new RoutingStatistics();
        double rate = 0;
        for (int part = 0; part < parts; part++) {
            List<TrainingRow> rows = updatesRows.get(part);
            rate = settings.optimizer().learningRateAt(updates++, settings.totalUpdates());
            if (rows.stream().allMatch(row -> row.advantage() == 0)) {
                skipped++;
                listener.updateFinished(part + 1, parts);
                continue;
            }
            long version = policy.version();
            PolicyUpdater.Done done = updater.update(rows, rate, true);
            for (int i = 0; i < rows.size(); i++) {
                TrainingRow row = rows.get(i);
                seen.add(row);
                logProbs.add(done.scored().logProbs()[i]);
                for (int t = 0; t < row.length(); t++) {
                    if (row.mask()[t]) {
                        tokens++;
                        entropy += done.scored().entropies()[i][t];
                        ages += version - row.versions()[t];
                    }
                }
            }
            routing.add(done.routing());
            done.metrics().forEach((name, value) -> {
                sums.merge(name, value, combining(name)::applyAsDouble);
                updatesWith.merge(name, 1, Integer::sum);
            });
            listener.updateFinished(part + 1, parts);
        }
        metrics.put("learning_rate", rate);
        metrics.put("updates_skipped", (double) skipped);
        if (skipped == parts || tokens == 0) {
            return metrics;
        }
        metrics.put("entropy", entropy / tokens);
        metrics.put("age/mean", ages / tokens);
        sums.forEach((name, sum) ->
                metrics.put(name, isExtreme(name) ? sum : sum / Objects.requireNonNull(updatesWith.get(name))));
        metrics.putAll(routing.metrics());
        metrics.putAll(RatioStatistics.of(
                        logProbs.toArray(float[][]::new),
                        seen.stream().map(TrainingRow::behaviorLogProbs).toArray(float[][]::new),
                        seen.stream().map(TrainingRow::mask).toArray(boolean[][]::new))
                .metrics());
        return metrics;
    }

    private static boolean isExtreme(String name) {
        return name.endsWith("/min") || name.endsWith("/max");
    }

    /** How a number of several updates becomes one of the iteration: the extreme that its name says, else a sum. */
    private static DoubleBinaryOperator combining(String name) {
        return name.endsWith("/min") ? Math::min : name.endsWith("/max") ? Math::max : Double::sum;
    }

    private List<List<TrainingRow>> withProximal(List<List<TrainingRow>> parts) {
        List<List<TrainingRow>> result = new ArrayList<>();
        for (List<TrainingRow> rows : parts) {
            float[][] logProbs = gradient.score(rows, false).logProbs();
            List<TrainingRow> changed = new ArrayList<>();
            for (int i = 0; i < rows.size(); i++) {
                changed.add(rows.get(i).withProximalLogProbs(logProbs[i]));
            }
            result.add(changed);
        }
        return result;
    }

    @Override
    public void close() {
        optimizer.close();
    }
}

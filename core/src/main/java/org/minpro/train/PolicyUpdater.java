package org.minpro.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.minpro.model.RoutingStatistics;
import org.minpro.objective.Aggregation;
import org.minpro.objective.Anchor;
import org.minpro.objective.LogProbStream;
import org.minpro.objective.Objective;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.ResidentMemory;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;

/** One update of the policy: gradient, clipping, optimizer step, new version. */
public final class PolicyUpdater {
    /** Elements that are squared at once. */
    private static final long PIECE = 1 << 20;

    private final Policy policy;
    private final PolicyGradient gradient;
    private final AdamW optimizer;
    private final Objective objective;
    private final Aggregation aggregation;
    private final Anchor anchor;
    private final double clipNorm;
    private final Workers workers;
    private final ResidentMemory memory = new ResidentMemory();

    /**
     * @param clipNorm a gradient whose norm is larger is scaled down to it; 0 never
     * @param workers what the norm and the optimizer's step run on
     */
    public PolicyUpdater(
            Policy policy,
            PolicyGradient gradient,
            AdamW optimizer,
            Objective objective,
            Aggregation aggregation,
            Anchor anchor,
            double clipNorm,
            Workers workers) {
        this.policy = policy;
        this.gradient = gradient;
        this.optimizer = optimizer;
        this.objective = objective;
        this.aggregation = aggregation;
        this.anchor = anchor;
        this.clipNorm = clipNorm;
        this.workers = workers;
    }

    /**
     * @param scored of the rows before the step
     * @param metrics the objective's, and {@code grad_norm} before clipping
     * @param routing what the sparse layers decided
     */
    public record Done(PolicyGradient.Scored scored, Map<String, Double> metrics, RoutingStatistics routing) {}

    /**
     * @param rate the learning rate of this step
     * @throws NonFiniteUpdateException before anything is changed
     */
    public Done update(List<TrainingRow> rows, double rate, boolean withEntropy) {
        Done done = step(rows, rate, withEntropy);
        memory.afterStep();
        return done;
    }

    private Done step(List<TrainingRow> rows, double rate, boolean withEntropy) {
        boolean[][] mask = rows.stream().map(TrainingRow::mask).toArray(boolean[][]::new);
        double[][] tokenWeights = aggregation.tokenWeights(mask);
        try (PolicyGradient.Result result = gradient.compute(rows, objective, anchor, tokenWeights, withEntropy)) {
            double norm = norm(result.gradients(), workers);
            if (!Double.isFinite(result.loss()) || !Double.isFinite(norm)) {
                throw new NonFiniteUpdateException(
                        "loss and gradient must be finite, got: loss " + result.loss() + ", gradient norm " + norm
                                + " at version " + policy.version() + "; "
                                + culprit(rows, result.scored(), tokenWeights),
                        rows);
            }
            double scale = clipNorm > 0 && norm > clipNorm ? clipNorm / norm : 1;
            optimizer.step(result.gradients(), rate, scale, workers);
            policy.publish(policy.version() + 1);
            Map<String, Double> metrics = new LinkedHashMap<>(result.metrics());
            metrics.put("grad_norm", norm);
            return new Done(result.scored(), metrics, result.routing());
        }
    }

    /** The norm over all tensors; squares of a piece are added in float64, pieces in order. */
    static double norm(Map<String, Tensor> tensors, Workers workers) {
        List<Callable<Double>> pieces = new ArrayList<>();
        for (Tensor tensor : tensors.values()) {
            for (long start = 0; start < tensor.elements(); start += PIECE) {
                long first = start;
                pieces.add(() -> {
                    try (Scope scope = Scope.open();
                            NoGradient off = NoGradient.open()) {
                        return tensor.view(tensor.elements())
                                .narrow(0, first, Math.min(PIECE, tensor.elements() - first))
                                .square()
                                .sumAsF64()
                                .item();
                    }
                });
            }
        }
        double squares = 0;
        for (double ofPiece : workers.run(pieces)) {
            squares += ofPiece;
        }
        return Math.sqrt(squares);
    }

    private String culprit(List<TrainingRow> rows, PolicyGradient.Scored scored, double[][] tokenWeights) {
        for (int i = 0; i < rows.size(); i++) {
            for (int t = 0; t < rows.get(i).length(); t++) {
                if (rows.get(i).mask()[t]
                        && !(Float.isFinite(scored.logProbs()[i][t])
                                && Float.isFinite(rows.get(i).logProbs(LogProbStream.BEHAVIOR)[t])
                                && Double.isFinite(rows.get(i).advantages()[t]))) {
                    return "first at " + named(rows, i) + ", token " + t + ": log pi "
                            + scored.logProbs()[i][t] + ", log mu "
                            + rows.get(i).logProbs(LogProbStream.BEHAVIOR)[t] + ", advantage "
                            + rows.get(i).advantages()[t];
                }
            }
        }
        for (int i = 0; i < rows.size(); i++) {
            try (PolicyGradient.Result alone = gradient.compute(
                    List.of(rows.get(i)), objective, anchor, new double[][] {tokenWeights[i]}, false)) {
                double norm = norm(alone.gradients(), workers);
                if (!Double.isFinite(alone.loss()) || !Double.isFinite(norm)) {
                    return "first at " + named(rows, i)
                            + ", whose log-probabilities and advantages are finite: alone it has loss " + alone.loss()
                            + ", gradient norm " + norm;
                }
            }
        }
        return "each row alone is finite: it arose in their sum";
    }

    private static String named(List<TrainingRow> rows, int row) {
        return "row " + row + " (group of draw " + rows.get(row).group() + ")";
    }
}

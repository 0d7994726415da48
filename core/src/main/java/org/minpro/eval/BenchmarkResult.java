package org.minpro.eval;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import org.minpro.experience.ScoredGroup;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;
import org.minpro.verify.Verifier;

/**
 * How a model does on a benchmark.
 *
 * @param benchmark its name
 * @param samples responses to each problem, k
 * @param outcomes one for each problem, in the order of the file
 */
public record BenchmarkResult(String benchmark, int samples, List<ProblemOutcome> outcomes) {
    public BenchmarkResult {
        outcomes = List.copyOf(outcomes);
    }

    /** Counts what the reward said, and votes by the checker's equality. */
    public static BenchmarkResult of(String benchmark, int samples, List<ScoredGroup> groups, Verifier verifier) {
        MajorityVote vote = new MajorityVote(verifier);
        return new BenchmarkResult(
                benchmark,
                samples,
                groups.stream().map(group -> outcome(group, vote)).toList());
    }

    private static ProblemOutcome outcome(ScoredGroup group, MajorityVote vote) {
        List<Score> decided = group.scores().stream().filter(Score::decided).toList();
        Boolean majority = vote
                .winners(group.rollouts().stream().map(Rollout::text).toList())
                .stream()
                .map(group.scores()::get)
                .filter(Score::decided)
                .findFirst()
                .map(score -> score.value() > 0)
                .orElse(null);
        return new ProblemOutcome(
                group.problem().id(),
                group.rollouts().size(),
                decided.size(),
                (int) decided.stream().filter(score -> score.value() > 0).count(),
                majority,
                (int) group.rollouts().stream()
                        .filter(rollout -> rollout.finish() == Rollout.Finish.LENGTH)
                        .count(),
                group.responseTokens());
    }

    /** avg@k, pass@j for the powers of two j up to k, and maj@k; each over the problems that have it. */
    public SequencedMap<String, Estimate> metrics() {
        SequencedMap<String, Estimate> metrics = new LinkedHashMap<>();
        values(samples)
                .forEach((name, value) -> metrics.put(
                        name,
                        Estimate.ofShares(outcomes.stream()
                                .map(value)
                                .filter(OptionalDouble::isPresent)
                                .map(OptionalDouble::getAsDouble)
                                .toList())));
        return metrics;
    }

    private static SequencedMap<String, Function<ProblemOutcome, OptionalDouble>> values(int samples) {
        SequencedMap<String, Function<ProblemOutcome, OptionalDouble>> values = new LinkedHashMap<>();
        values.put("avg@" + samples, ProblemOutcome::average);
        for (int j = 1; j <= samples; j *= 2) {
            int drawn = j;
            values.put("pass@" + j, outcome -> outcome.passAt(drawn));
        }
        values.put("maj@" + samples, ProblemOutcome::majorityValue);
        return values;
    }

    /**
     * Paired differences, this minus the other, of the metrics that both have, over the problems that both have.
     *
     * @param other the same benchmark, of another model, prompt or way of sampling
     */
    public Comparison minus(BenchmarkResult other) {
        Map<String, ProblemOutcome> others = new HashMap<>();
        other.outcomes.forEach(outcome -> others.put(outcome.problem(), outcome));
        List<ProblemOutcome> common = outcomes.stream()
                .filter(outcome -> others.containsKey(outcome.problem()))
                .toList();
        SequencedMap<String, Estimate> differences = new LinkedHashMap<>();
        SequencedMap<String, Function<ProblemOutcome, OptionalDouble>> mine = values(samples);
        SequencedMap<String, Function<ProblemOutcome, OptionalDouble>> theirs = values(other.samples);
        mine.forEach((name, value) -> {
            // An average estimates the same chance whatever k is; pass@j and maj@k are only comparable with themselves.
            String same = name.startsWith("avg@") ? "avg@" + other.samples : name;
            Function<ProblemOutcome, OptionalDouble> otherValue = theirs.get(same);
            if (otherValue != null) {
                List<Double> values = new ArrayList<>();
                for (ProblemOutcome outcome : common) {
                    OptionalDouble a = value.apply(outcome);
                    OptionalDouble b = otherValue.apply(Objects.requireNonNull(others.get(outcome.problem())));
                    if (a.isPresent() && b.isPresent()) {
                        values.add(a.getAsDouble() - b.getAsDouble());
                    }
                }
                differences.put(name.equals(same) ? name : name + " - " + same, Estimate.ofValues(values));
            }
        });
        return new Comparison(benchmark, common.size(), differences);
    }

    /**
     * A result minus another one.
     *
     * @param benchmark its name
     * @param problems that both have
     * @param differences by metric
     */
    public record Comparison(String benchmark, int problems, SequencedMap<String, Estimate> differences) {}

    /** Share of the responses cut off at the limit of new tokens. */
    public double truncated() {
        return share(ProblemOutcome::truncated);
    }

    /** Share of the responses that were found neither right nor wrong. */
    public double undecided() {
        return share(outcome -> outcome.samples() - outcome.decided());
    }

    private double share(ToIntFunction<ProblemOutcome> count) {
        return outcomes.stream().mapToInt(count).sum() / (double) Math.max(1, responses());
    }

    public int responses() {
        return outcomes.stream().mapToInt(ProblemOutcome::samples).sum();
    }

    /** Tokens of all responses. */
    public long tokens() {
        return outcomes.stream().mapToLong(ProblemOutcome::tokens).sum();
    }
}

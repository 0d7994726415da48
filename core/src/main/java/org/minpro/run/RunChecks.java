package org.minpro.run;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.minpro.experience.ScoredGroup;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;

/**
 * Looks for what goes wrong in runs, iteration by iteration, from the numbers of {@code metrics.jsonl}. Each kind is found
 * once, when it first holds; most must hold for some iterations in a row.
 */
public final class RunChecks {
    /** Iterations over which a share is averaged before it is called too large. */
    static final int WINDOW = 5;

    private static final double DULL_GROUPS = 0.9;
    private static final double TOO_EASY = 0.95;
    private static final double TOO_HARD = 0.02;
    private static final double COLLAPSED_ENTROPY = 0.1;
    private static final double COLLAPSED_LENGTH = 0.3;
    private static final double SMALL_SAMPLE = 0.1;
    private static final double LARGE_RATIO = 10;
    private static final double CUT_OFF = 0.3;
    private static final double UNDECIDED = 0.2;
    private static final double MISMATCH = 0.01;

    /** What may be wrong. */
    public enum Kind {
        ZERO_SIGNAL,
        TOO_EASY,
        TOO_HARD,
        ENTROPY_COLLAPSE,
        LENGTH_COLLAPSE,
        RATIO_EXPLOSION,
        CUT_OFF,
        UNDECIDED,
        MISMATCH,
        NOT_FINITE;

        /** In words. */
        public String words() {
            return name().toLowerCase(Locale.ROOT).replace('_', ' ');
        }
    }

    /** Which rollout of an iteration shows something. */
    public enum Example {
        CUT_OFF,
        UNDECIDED,
        LARGEST_REWARD,
        SMALLEST_REWARD,
        SHORTEST,
        /** Nothing in particular. */
        NONE
    }

    /**
     * Something found.
     *
     * @param iteration in which it first held
     * @param evidence the numbers
     * @param example which rollout of that iteration shows it
     * @param advice what to try
     */
    public record Finding(Kind kind, long iteration, String evidence, Example example, String advice) {
        /**
         * In one line.
         *
         * @param rollout draw and sample of one that shows it, or null
         */
        public String line(@Nullable String rollout) {
            return kind.words() + " in iteration " + iteration + ": " + evidence
                    + (rollout == null ? "" : " (such as rollout " + rollout + ")") + "; try " + advice;
        }
    }

    /** The mean of the newest values of a number. */
    private static final class Window {
        private final Deque<Double> values = new ArrayDeque<>();

        void add(@Nullable Double value) {
            if (value == null || !Double.isFinite(value)) {
                return;
            }
            values.add(value);
            if (values.size() > WINDOW) {
                values.remove();
            }
        }

        /** NaN, which is beyond no bound, until there are enough. */
        double mean() {
            return values.size() < WINDOW
                    ? Double.NaN
                    : values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
        }
    }

    private final Set<Kind> found = EnumSet.noneOf(Kind.class);
    private final Window dull = new Window();
    private final Window accuracy = new Window();
    private final Window entropy = new Window();
    private final Window length = new Window();
    private final Window cutOff = new Window();
    private final Window undecided = new Window();
    private double firstEntropy = Double.NaN;
    private double firstLength = Double.NaN;

    /**
     * The numbers of the next iteration.
     *
     * @param numbers by their names in {@code metrics.jsonl}; NaN where one is not finite
     * @return what is found now and was not before
     */
    public List<Finding> next(long iteration, Map<String, Double> numbers) {
        dull.add(numbers.get("frac_reward_zero_std"));
        accuracy.add(numbers.get("accuracy"));
        entropy.add(numbers.get("entropy"));
        length.add(numbers.get("completions/mean_length"));
        cutOff.add(numbers.get("completions/clipped_ratio"));
        undecided.add(numbers.get("undecided"));
        firstEntropy = Double.isNaN(firstEntropy) ? entropy.mean() : firstEntropy;
        firstLength = Double.isNaN(firstLength) ? length.mean() : firstLength;
        List<Finding> findings = new ArrayList<>();
        if (dull.mean() >= DULL_GROUPS) {
            add(
                    findings,
                    Kind.ZERO_SIGNAL,
                    iteration,
                    Example.NONE,
                    percent(dull.mean()) + " of the groups of the last " + WINDOW
                            + " iterations have equal rewards, which teach nothing",
                    "problems of another difficulty, a larger group-size, resample-limit, or a reward with parts");
        }
        if (accuracy.mean() >= TOO_EASY) {
            add(
                    findings,
                    Kind.TOO_EASY,
                    iteration,
                    Example.SMALLEST_REWARD,
                    percent(accuracy.mean()) + " of the responses of the last " + WINDOW + " iterations are right",
                    "harder problems");
        }
        if (accuracy.mean() <= TOO_HARD) {
            add(
                    findings,
                    Kind.TOO_HARD,
                    iteration,
                    Example.LARGEST_REWARD,
                    percent(accuracy.mean()) + " of the responses of the last " + WINDOW + " iterations are right",
                    "easier problems, minpro sft first, a reward with parts, or minpro audit-verdicts to see whether right"
                            + " answers are taken for wrong");
        }
        if (entropy.mean() <= COLLAPSED_ENTROPY * firstEntropy) {
            add(
                    findings,
                    Kind.ENTROPY_COLLAPSE,
                    iteration,
                    Example.NONE,
                    String.format(
                            Locale.ROOT, "entropy fell from %.4f to %.4f nats per token", firstEntropy, entropy.mean()),
                    "a lower learning-rate, a larger upper clip, or a penalty on entropy or KL");
        }
        if (length.mean() <= COLLAPSED_LENGTH * firstLength) {
            add(
                    findings,
                    Kind.LENGTH_COLLAPSE,
                    iteration,
                    Example.SHORTEST,
                    String.format(Locale.ROOT, "responses fell from %.1f to %.1f tokens", firstLength, length.mean()),
                    "a reward that asks for the work, an aggregation without a preference for short responses"
                            + " (aggregation: token-mean), or a lower learning-rate");
        }
        ratios(findings, iteration, numbers);
        if (cutOff.mean() >= CUT_OFF) {
            add(
                    findings,
                    Kind.CUT_OFF,
                    iteration,
                    Example.CUT_OFF,
                    percent(cutOff.mean()) + " of the responses of the last " + WINDOW
                            + " iterations reach sampling.max-new-tokens",
                    "a larger sampling.max-new-tokens, or the reward overlong");
        }
        if (undecided.mean() >= UNDECIDED) {
            add(
                    findings,
                    Kind.UNDECIDED,
                    iteration,
                    Example.UNDECIDED,
                    percent(undecided.mean()) + " of the responses of the last " + WINDOW
                            + " iterations could not be judged",
                    "another reference or reward; minpro audit-verdicts shows the reasons");
        }
        Double mismatch = numbers.get("mismatch/mean");
        if (mismatch != null && mismatch >= MISMATCH) {
            add(
                    findings,
                    Kind.MISMATCH,
                    iteration,
                    Example.NONE,
                    String.format(
                            Locale.ROOT,
                            "sampler and trainer differ by %.4f nats a token at the same weights (largest %.3f)",
                            mismatch,
                            numbers.getOrDefault("mismatch/max", Double.NaN)),
                    "model.dtype: f32, the same kernels for both, or a correction (corrections: [tis])");
        }
        List<String> notFinite = numbers.entrySet().stream()
                .filter(number -> !Double.isFinite(number.getValue()))
                .map(Map.Entry::getKey)
                .toList();
        if (!notFinite.isEmpty()) {
            add(
                    findings,
                    Kind.NOT_FINITE,
                    iteration,
                    Example.NONE,
                    String.join(", ", notFinite.subList(0, Math.min(3, notFinite.size())))
                            + (notFinite.size() > 3
                                    ? " and " + (notFinite.size() - 3) + " more are"
                                    : notFinite.size() == 1 ? " is" : " are")
                            + " not finite",
                    "a lower optimizer.learning-rate or optimizer.gradient-clip-norm, model.dtype: f32, or an objective"
                            + " whose weights are bounded");
        }
        return findings;
    }

    private void ratios(List<Finding> findings, long iteration, Map<String, Double> numbers) {
        Double sample = numbers.get("rollout_corr/rollout_is_eff_sample_size");
        Double high = numbers.get("ratio/p99");
        if (sample != null && sample <= SMALL_SAMPLE || high != null && high >= LARGE_RATIO) {
            add(
                    findings,
                    Kind.RATIO_EXPLOSION,
                    iteration,
                    Example.NONE,
                    String.format(
                            Locale.ROOT,
                            "effective sample size %.3f, 99 %% quantile of the ratios %.2f, largest %.3g, age %.1f updates",
                            sample == null ? Double.NaN : sample,
                            high == null ? Double.NaN : high,
                            numbers.getOrDefault("rollout_corr/rollout_is_max", Double.NaN),
                            numbers.getOrDefault("age/mean", Double.NaN)),
                    "a smaller lag, fewer updates-per-iteration, a lower learning-rate, or an objective with bounded weights"
                            + " (minpro, cispo)");
        }
    }

    private void add(
            List<Finding> findings, Kind kind, long iteration, Example example, String evidence, String advice) {
        if (found.add(kind)) {
            findings.add(new Finding(kind, iteration, evidence, example, advice));
        }
    }

    /** Draw and sample of a rollout that is such an example, or null. */
    static @Nullable String shown(Example example, List<ScoredGroup> groups) {
        record Shown(Rollout rollout, Score score) {}
        List<Shown> all = groups.stream()
                .flatMap(group -> IntStream.range(0, group.rollouts().size())
                        .mapToObj(i -> new Shown(
                                group.rollouts().get(i), group.scores().get(i))))
                .toList();
        Stream<Shown> decided = all.stream().filter(one -> one.score().decided());
        Optional<Shown> found = switch (example) {
            case NONE -> Optional.empty();
            case CUT_OFF ->
                all.stream()
                        .filter(one -> one.rollout().finish() == Rollout.Finish.LENGTH)
                        .findFirst();
            case UNDECIDED -> all.stream().filter(one -> !one.score().decided()).findFirst();
            case LARGEST_REWARD ->
                decided.max(Comparator.comparingDouble(one -> one.score().value()));
            case SMALLEST_REWARD ->
                decided.min(Comparator.comparingDouble(one -> one.score().value()));
            case SHORTEST ->
                all.stream().min(Comparator.comparingInt(one -> one.rollout().length()));
        };
        return found.map(one -> one.rollout().draw() + "." + one.rollout().sample())
                .orElse(null);
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * share);
    }
}

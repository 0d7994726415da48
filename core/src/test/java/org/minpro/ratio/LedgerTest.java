package org.minpro.ratio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;

class LedgerTest {
    /** A valid token as the definitions have it, computed from its whole prefix. */
    private record Token(double ratio, double prefix, double minimumPrefix, int tenth, double weight, long age) {}

    private static List<Ledger.Row> rows() {
        Random random = new Random(4);
        List<Ledger.Row> rows = new ArrayList<>();
        for (int length : new int[] {23, 1, 0, 40, 7}) {
            float[] policy = new float[length];
            float[] behavior = new float[length];
            boolean[] mask = new boolean[length];
            long[] versions = new long[length];
            float[] weights = new float[length];
            for (int t = 0; t < length; t++) {
                policy[t] = -3 * random.nextFloat();
                behavior[t] = policy[t] + (float) (0.4 * random.nextGaussian());
                mask[t] = length == 1 || random.nextInt(5) > 0;
                versions[t] = random.nextInt(10);
                weights[t] = random.nextFloat();
            }
            rows.add(new Ledger.Row(policy, behavior, mask, versions, 12, weights));
        }
        return rows;
    }

    private static List<Integer> valid(Ledger.Row row) {
        List<Integer> valid = new ArrayList<>();
        for (int t = 0; t < row.mask().length; t++) {
            if (row.mask()[t]) {
                valid.add(t);
            }
        }
        return valid;
    }

    private static double log(Ledger.Row row, int t) {
        return (double) row.logProbs()[t] - row.behaviorLogProbs()[t];
    }

    private static List<Token> tokens(List<Ledger.Row> rows) {
        List<Token> tokens = new ArrayList<>();
        for (Ledger.Row row : rows) {
            List<Integer> valid = valid(row);
            for (int i = 0; i < valid.size(); i++) {
                double sum = 0;
                double minimum = i == 0 ? 0 : Double.POSITIVE_INFINITY;
                for (int j = 0; j <= i; j++) {
                    sum += log(row, valid.get(j));
                    minimum = j < i ? Math.min(minimum, log(row, valid.get(j))) : minimum;
                }
                int t = valid.get(i);
                tokens.add(new Token(
                        Math.exp(log(row, t)),
                        Math.exp(sum),
                        Math.exp(minimum + log(row, t)),
                        (int) Math.ceil(10.0 * (i + 1) / valid.size()) - 1,
                        row.weights()[t],
                        row.version() - row.versions()[t]));
            }
        }
        return tokens;
    }

    private static double quantile(List<Double> values, double probability) {
        List<Double> sorted = new ArrayList<>(values);
        Collections.sort(sorted);
        double at = probability * (sorted.size() - 1);
        double below = sorted.get((int) Math.floor(at));
        double above = sorted.get((int) Math.ceil(at));
        return below + (at - Math.floor(at)) * (above - below);
    }

    private static double mean(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
    }

    private static void assertDistribution(Map<String, Double> numbers, String name, List<Double> values) {
        assertClose(numbers, name + "/mean", mean(values));
        assertClose(numbers, name + "/min", Collections.min(values));
        assertClose(numbers, name + "/max", Collections.max(values));
        assertClose(numbers, name + "/p01", quantile(values, 0.01));
        assertClose(numbers, name + "/p50", quantile(values, 0.5));
        assertClose(numbers, name + "/p95", quantile(values, 0.95));
    }

    private static void assertClose(Map<String, Double> numbers, String name, double expected) {
        assertThat(numbers.get(name)).as(name).isCloseTo(expected, within(1e-12 * (1 + Math.abs(expected))));
    }

    @Test
    void everyNumberIsWhatItsDefinitionSays() {
        List<Ledger.Row> rows = rows();
        List<Token> tokens = tokens(rows);
        Ledger ledger = Ledger.of(rows);
        assertDistribution(
                ledger.numbers(),
                "ratio/prefix",
                tokens.stream().map(Token::prefix).toList());
        assertDistribution(
                ledger.numbers(),
                "ratio/minimum_prefix",
                tokens.stream().map(Token::minimumPrefix).toList());
        List<Double> products = new ArrayList<>();
        List<Double> geometric = new ArrayList<>();
        List<Double> positions = new ArrayList<>();
        List<Double> probabilities = new ArrayList<>();
        List<Double> behavior = new ArrayList<>();
        double[] placed = new double[10];
        for (Ledger.Row row : rows) {
            List<Integer> valid = valid(row);
            if (valid.isEmpty()) {
                continue;
            }
            double sum = valid.stream().mapToDouble(t -> log(row, t)).sum();
            products.add(Math.exp(sum));
            geometric.add(Math.exp(sum / valid.size()));
            int least = 0;
            for (int i = 1; i < valid.size(); i++) {
                least = log(row, valid.get(i)) < log(row, valid.get(least)) ? i : least;
            }
            positions.add((least + 1.0) / valid.size());
            placed[(int) Math.ceil(10.0 * (least + 1) / valid.size()) - 1] += 0.25;
            probabilities.add(Math.exp(row.logProbs()[valid.get(least)]));
            behavior.add(Math.exp(row.behaviorLogProbs()[valid.get(least)]));
        }
        assertThat(products).hasSize(4);
        assertDistribution(ledger.numbers(), "ratio/sequence", products);
        assertDistribution(ledger.numbers(), "ratio/geometric_mean", geometric);
        assertClose(ledger.numbers(), "argmin/position_mean", mean(positions));
        assertClose(ledger.numbers(), "argmin/probability_mean", mean(probabilities));
        assertClose(ledger.numbers(), "argmin/behavior_probability_mean", mean(behavior));
        assertThat(ledger.arrays().get("argmin/position_by_tenth")).containsExactly(placed);
        assertThat(ledger.numbers()).containsEntry("age/max", (double)
                tokens.stream().mapToLong(Token::age).max().orElseThrow());
        // Ages are 3 to 12: the buckets of 0, 1, 2 to 3, 4 to 7, 8 to 15.
        double[] ages = new double[5];
        tokens.forEach(token -> ages[token.age() < 4 ? 2 : token.age() < 8 ? 3 : 4]++);
        for (int i = 0; i < ages.length; i++) {
            ages[i] /= tokens.size();
        }
        assertThat(ledger.arrays().get("age/histogram")).containsExactly(ages);
    }

    @Test
    void everyTenthIsOfItsTokens() {
        List<Token> tokens = tokens(rows());
        Map<String, double[]> arrays = Ledger.of(rows()).arrays();
        Map<String, ToDoubleFunction<Token>> kinds = Map.of(
                "ratio/token",
                Token::ratio,
                "ratio/prefix",
                Token::prefix,
                "ratio/minimum_prefix",
                Token::minimumPrefix);
        for (int tenth = 0; tenth < 10; tenth++) {
            int chosen = tenth;
            List<Token> ofTenth =
                    tokens.stream().filter(token -> token.tenth() == chosen).toList();
            assertThat(ofTenth).isNotEmpty();
            kinds.forEach((name, kind) -> {
                List<Double> values = ofTenth.stream().map(kind::applyAsDouble).toList();
                assertClose(arrays, name + "/mean_by_tenth", chosen, mean(values));
                assertClose(arrays, name + "/min_by_tenth", chosen, Collections.min(values));
                assertClose(arrays, name + "/max_by_tenth", chosen, Collections.max(values));
                assertClose(arrays, name + "/p05_by_tenth", chosen, quantile(values, 0.05));
                assertClose(arrays, name + "/p50_by_tenth", chosen, quantile(values, 0.5));
                assertClose(arrays, name + "/p95_by_tenth", chosen, quantile(values, 0.95));
            });
            assertClose(
                    arrays,
                    "weight/mean_by_tenth",
                    chosen,
                    mean(ofTenth.stream().map(Token::weight).toList()));
        }
    }

    private static void assertClose(Map<String, double[]> arrays, String name, int tenth, double expected) {
        assertThat(Objects.requireNonNull(arrays.get(name), name)[tenth])
                .as("%s, tenth %d", name, tenth)
                .isCloseTo(expected, within(1e-12 * (1 + Math.abs(expected))));
    }

    @Test
    void aRatioIsToldApartIntoMismatchAndDriftWhereTheTrainerScoredAgain() {
        List<Ledger.Row> rows = rows();
        List<Ledger.Row> told = new ArrayList<>();
        List<Double> mismatch = new ArrayList<>();
        List<Double> drift = new ArrayList<>();
        Random random = new Random(5);
        for (Ledger.Row row : rows) {
            // The last row was not scored again.
            float[] sampling = new float[row.mask().length == 7 ? 0 : row.mask().length];
            for (int t = 0; t < sampling.length; t++) {
                sampling[t] = row.behaviorLogProbs()[t] + (float) (0.1 * random.nextGaussian());
                if (row.mask()[t]) {
                    mismatch.add(Math.exp((double) sampling[t] - row.behaviorLogProbs()[t]));
                    drift.add(Math.exp((double) row.logProbs()[t] - sampling[t]));
                }
            }
            told.add(new Ledger.Row(
                    row.logProbs(),
                    row.behaviorLogProbs(),
                    row.mask(),
                    row.versions(),
                    row.version(),
                    row.weights(),
                    sampling));
        }
        Map<String, Double> numbers = Ledger.of(told).numbers();
        assertDistribution(numbers, "ratio/mismatch", mismatch);
        assertDistribution(numbers, "ratio/drift", drift);
        // All else is as it was.
        assertThat(numbers).containsAllEntriesOf(Ledger.of(rows).numbers());
        assertThat(Ledger.of(rows).numbers().keySet()).noneMatch(name -> name.startsWith("ratio/mismatch"));
    }

    @Test
    void aTenthWithoutATokenHasNoNumber() {
        Ledger.Row one = new Ledger.Row(new float[1], new float[1], new boolean[] {true}, new long[1], 0, new float[0]);
        Map<String, double[]> arrays = Ledger.of(List.of(one)).arrays();
        double[] means = Objects.requireNonNull(arrays.get("ratio/token/mean_by_tenth"));
        assertThat(means[9]).isEqualTo(1);
        assertThat(means[0]).isNaN();
        assertThat(arrays).as("a loss without weights").doesNotContainKey("weight/mean_by_tenth");
        assertThat(arrays.get("age/histogram")).containsExactly(1);
    }

    @Test
    void withoutAValidTokenItIsEmpty() {
        Ledger.Row masked = new Ledger.Row(new float[2], new float[2], new boolean[2], new long[2], 0, new float[2]);
        assertThat(Ledger.of(List.of(masked)).numbers()).isEmpty();
        assertThat(Ledger.of(List.of()).arrays()).isEmpty();
    }

    @Test
    void extremeRatiosStayFinite() {
        float[] likely = new float[50];
        float[] unlikely = new float[50];
        java.util.Arrays.fill(unlikely, -90);
        boolean[] all = new boolean[50];
        java.util.Arrays.fill(all, true);
        for (float[][] pair : new float[][][] {{likely, unlikely}, {unlikely, likely}}) {
            Ledger ledger = Ledger.of(List.of(new Ledger.Row(pair[0], pair[1], all, new long[50], 3, new float[50])));
            assertThat(ledger.numbers().values()).allMatch(Double::isFinite);
            ledger.arrays().values().forEach(array -> assertThat(array).doesNotContain(Double.NaN));
        }
    }
}

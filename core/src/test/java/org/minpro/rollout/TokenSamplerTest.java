package org.minpro.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.minpro.model.Kernels;
import org.minpro.model.ModelSteps;
import org.minpro.model.TinyModels;
import org.minpro.tensor.DType;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.TestDevice;

class TokenSamplerTest {
    private static final ModelSteps STEPS = Kernels.libtorch(TinyModels.dense(), TestDevice.HERE, DType.F32);
    private static final double ALMOST_ONE = Math.nextDown(1.0);

    private static SamplingParams params(double temperature, int topK, double topP, double minP) {
        return new SamplingParams(temperature, topK, topP, minP, 1, List.of(), List.of(), false);
    }

    private static ModelSteps.Drawn draw(SamplingParams params, float[] logits, double... uniforms) {
        float[] rows = new float[uniforms.length * logits.length];
        for (int row = 0; row < uniforms.length; row++) {
            System.arraycopy(logits, 0, rows, row * logits.length, logits.length);
        }
        try (Scope scope = Scope.open()) {
            return new TokenSampler(params, STEPS)
                    .draw(Tensor.of(TestDevice.HERE, rows, uniforms.length, logits.length), uniforms);
        }
    }

    private static float[] randomLogits(Random random, int vocabulary, double spread) {
        float[] logits = new float[vocabulary];
        for (int i = 0; i < vocabulary; i++) {
            logits[i] = (float) (spread * random.nextGaussian());
        }
        return logits;
    }

    private static double[] softmax(float[] logits, double temperature, boolean[] kept) {
        double largest = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            largest = Math.max(largest, logit / temperature);
        }
        double[] probabilities = new double[logits.length];
        double sum = 0;
        for (int i = 0; i < logits.length; i++) {
            probabilities[i] = kept[i] ? Math.exp(logits[i] / temperature - largest) : 0;
            sum += probabilities[i];
        }
        for (int i = 0; i < logits.length; i++) {
            probabilities[i] /= sum;
        }
        return probabilities;
    }

    private static boolean[] all(int vocabulary) {
        boolean[] kept = new boolean[vocabulary];
        Arrays.fill(kept, true);
        return kept;
    }

    /** The tokens that stay: temperature, top-k, top-p, min-p, each over what the one before left; no ties. */
    private static boolean[] kept(float[] logits, SamplingParams params) {
        int vocabulary = logits.length;
        boolean[] kept = all(vocabulary);
        Integer[] descending = new Integer[vocabulary];
        Arrays.setAll(descending, i -> i);
        Arrays.sort(
                descending, Comparator.comparingDouble((Integer i) -> logits[i]).reversed());
        if (params.topK() > 0) {
            for (int rank = params.topK(); rank < vocabulary; rank++) {
                kept[descending[rank]] = false;
            }
        }
        if (params.topP() < 1) {
            double[] probabilities = softmax(logits, params.temperature(), kept);
            double before = 0;
            for (int id : descending) {
                kept[id] &= before < params.topP();
                before += probabilities[id];
            }
        }
        if (params.minP() > 0) {
            double[] probabilities = softmax(logits, params.temperature(), kept);
            double least = params.minP() * probabilities[descending[0]];
            for (int id = 0; id < vocabulary; id++) {
                kept[id] &= probabilities[id] >= least;
            }
        }
        return kept;
    }

    /**
     * The statistic of Pearson's test as a standard normal (Wilson and Hilferty, 1931); cells with an expectation below
     * 10 are joined.
     */
    private static double chiSquareAsNormal(long[] counts, double[] probabilities, long draws) {
        double statistic = 0;
        int cells = 0;
        double joinedCount = 0;
        double joinedExpected = 0;
        for (int i = 0; i < counts.length; i++) {
            double expected = probabilities[i] * draws;
            if (expected == 0) {
                assertThat(counts[i])
                        .as("draws of id %d, whose probability is 0", i)
                        .isZero();
            } else if (expected < 10) {
                joinedCount += counts[i];
                joinedExpected += expected;
            } else {
                statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
                cells++;
            }
        }
        if (joinedExpected >= 1) {
            statistic += (joinedCount - joinedExpected) * (joinedCount - joinedExpected) / joinedExpected;
            cells++;
        }
        double freedom = cells - 1;
        double spread = 2 / (9 * freedom);
        return (Math.cbrt(statistic / freedom) - (1 - spread)) / Math.sqrt(spread);
    }

    /**
     * 2500 = 19 pieces of 128 and a remainder: the path that sums pieces first; 97 is searched as a whole. Truncation sorts
     * each row, so there are fewer draws where rows are long.
     */
    @Tag("slow")
    @ParameterizedTest
    @CsvSource({
        "97, 1, 0, 1, 0, 1000000",
        "2500, 1, 0, 1, 0, 1000000",
        "97, 0.7, 20, 0.9, 0.02, 1000000",
        "2500, 1.3, 400, 0.95, 0.001, 60000"
    })
    void drawsHaveTheDistributionOfTheLogits(
            int vocabulary, double temperature, int topK, double topP, double minP, int draws) {
        SamplingParams params = params(temperature, topK, topP, minP);
        float[] logits = randomLogits(new Random(vocabulary), vocabulary, 1.5);
        // One id, in the last piece, can not be drawn at all.
        logits[vocabulary - 1] = Float.NEGATIVE_INFINITY;
        double[] probabilities = softmax(logits, temperature, kept(logits, params));
        int rows = vocabulary < 200 ? 2000 : 500;
        long[] counts = new long[vocabulary];
        float[] block = new float[rows * vocabulary];
        for (int row = 0; row < rows; row++) {
            System.arraycopy(logits, 0, block, row * vocabulary, vocabulary);
        }
        double[] uniforms = new double[rows];
        try (Scope scope = Scope.open()) {
            Tensor tensor = Tensor.of(TestDevice.HERE, block, rows, vocabulary);
            TokenSampler sampler = new TokenSampler(params, STEPS);
            for (int done = 0; done < draws; done += rows) {
                for (int row = 0; row < rows; row++) {
                    uniforms[row] = Philox.uniform(3, Philox.Purpose.TRIAL, done + row, vocabulary, topK);
                }
                try (Scope step = Scope.open()) {
                    for (int id : sampler.draw(tensor, uniforms).ids()) {
                        counts[id]++;
                    }
                }
            }
        }
        // Seeded, so it either always holds or never; 4 standard deviations are 3e-5 of all seeds.
        assertThat(chiSquareAsNormal(counts, probabilities, draws)).isLessThan(4);
    }

    /** A sampler that is wrong by half a per cent of mass must not pass the test above. */
    @Test
    void theChiSquareTestSeesHalfAPerCent() {
        double[] probabilities = softmax(randomLogits(new Random(1), 97, 1.5), 1, all(97));
        Random random = new Random(2);
        long[] counts = new long[97];
        for (int draw = 0; draw < 1_000_000; draw++) {
            double left = random.nextDouble();
            int id = 0;
            while (id < 96 && left >= probabilities[id]) {
                left -= probabilities[id++];
            }
            counts[random.nextInt(200) == 0 ? 0 : id]++;
        }
        assertThat(chiSquareAsNormal(counts, probabilities, 1_000_000)).isGreaterThan(10);
    }

    @Test
    void truncationIsThatOfAPlainReference() {
        Random random = new Random(4);
        for (int trial = 0; trial < 300; trial++) {
            int vocabulary = trial % 10 == 0 ? 2100 + random.nextInt(400) : 5 + random.nextInt(120);
            double temperature = 0.5 + random.nextDouble();
            SamplingParams params = params(
                    temperature,
                    random.nextBoolean() ? 1 + random.nextInt(vocabulary + 10) : 0,
                    random.nextBoolean() ? 0.05 + 0.9 * random.nextDouble() : 1,
                    random.nextBoolean() ? 0.3 * random.nextDouble() : 0);
            float[] logits = randomLogits(random, vocabulary, 2);
            SamplingParams reference =
                    params.topK() >= vocabulary ? params(temperature, 0, params.topP(), params.minP()) : params;
            boolean[] kept = kept(logits, reference);
            double[] untruncated = softmax(logits, temperature, all(vocabulary));
            double mass = 0;
            int count = 0;
            for (int id = 0; id < vocabulary; id++) {
                mass += kept[id] ? untruncated[id] : 0;
                count += kept[id] ? 1 : 0;
            }
            // Every kept token is drawn by a uniform number in the middle of its share, and no other ever is.
            double[] uniforms = new double[count + 2];
            int[] wanted = new int[count + 2];
            double before = 0;
            int at = 0;
            for (int id = 0; id < vocabulary; id++) {
                if (kept[id]) {
                    uniforms[at] = (before + untruncated[id] / 2) / mass;
                    wanted[at++] = id;
                    before += untruncated[id];
                }
            }
            uniforms[count] = 0;
            wanted[count] = wanted[0];
            uniforms[count + 1] = ALMOST_ONE;
            wanted[count + 1] = wanted[count - 1];
            ModelSteps.Drawn drawn = draw(params, logits, uniforms);
            for (int i = 0; i < count + 2; i++) {
                String about = params + " of " + vocabulary + ", u = " + uniforms[i];
                // A share near float32's resolution can not be aimed at; the edges can.
                if (i >= count || untruncated[wanted[i]] / mass > 1e-5) {
                    assertThat(drawn.ids()[i]).as(about).isEqualTo(wanted[i]);
                }
                assertThat(kept[drawn.ids()[i]]).as(about).isTrue();
                assertThat((double) drawn.logProbs()[i])
                        .as("log mu before truncation, %s", about)
                        .isCloseTo(Math.log(untruncated[drawn.ids()[i]]), within(2e-5));
                assertThat((double) drawn.logKeptMass()[i])
                        .as("log kept mass, %s", about)
                        .isCloseTo(params.truncates() ? Math.log(mass) : 0, within(2e-6));
            }
        }
    }

    /** Probabilities of 0 before, between and after the others, in whole pieces and in the remainder. */
    @ParameterizedTest
    @ValueSource(ints = {9, 2048, 2500, 2560})
    void aTokenOfProbabilityZeroIsNeverDrawn(int vocabulary) {
        Random random = new Random(vocabulary);
        double[] uniforms = new double[202];
        for (int i = 0; i < 200; i++) {
            uniforms[i] = random.nextDouble();
        }
        uniforms[200] = 0;
        uniforms[201] = ALMOST_ONE;
        for (int trial = 0; trial < 30; trial++) {
            float[] logits = new float[vocabulary];
            Arrays.fill(logits, Float.NEGATIVE_INFINITY);
            int possible = 1 + random.nextInt(4);
            for (int i = 0; i < possible; i++) {
                // -120 underflows to a probability of 0 beside 0: as impossible as minus infinity.
                logits[random.nextInt(vocabulary)] = random.nextInt(4) == 0 ? -120 : 0;
            }
            logits[random.nextInt(vocabulary)] = 0;
            for (int id : draw(params(1, 0, 1, 0), logits, uniforms).ids()) {
                assertThat(logits[id]).isZero();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {97, 2500})
    void theEdgesOfTheUnitIntervalDrawTheFirstAndTheLastToken(int vocabulary) {
        float[] logits = new float[vocabulary];
        assertThat(draw(params(1, 0, 1, 0), logits, 0, ALMOST_ONE).ids()).containsExactly(0, vocabulary - 1);
    }

    @Test
    void theMostProbableTokenStaysUnderEveryTruncation() {
        float[] logits = {0, 3, 1, 2};
        for (SamplingParams params : List.of(params(1, 1, 1, 0), params(1, 0, 1e-9, 0), params(1, 0, 1, 1))) {
            ModelSteps.Drawn drawn = draw(params, logits, 0, 0.5, ALMOST_ONE);
            assertThat(drawn.ids()).containsOnly(1);
            assertThat(drawn.logKeptMass()[0]).isEqualTo(drawn.logProbs()[0], within(1e-6f));
        }
    }

    @Test
    void withoutTruncationTheLogKeptMassIsExactlyZero() {
        assertThat(draw(params(0.7, 0, 1, 0), randomLogits(new Random(5), 97, 2), 0.1, 0.9)
                        .logKeptMass())
                .containsOnly(0f);
    }

    @Test
    void greedyTakesTheMostProbableTokenAndReportsTemperatureOne() {
        float[] logits = randomLogits(new Random(6), 97, 2);
        SamplingParams params = new SamplingParams(0.3, 5, 0.5, 0.1, 1, List.of(), List.of(), true);
        ModelSteps.Drawn drawn = draw(params, logits, 0.999);
        double[] probabilities = softmax(logits, 1, all(97));
        int best = 0;
        for (int id = 1; id < 97; id++) {
            best = logits[id] > logits[best] ? id : best;
        }
        assertThat(params.reportedTemperature()).isEqualTo(1);
        assertThat(drawn.ids()).containsExactly(best);
        assertThat((double) drawn.logProbs()[0]).isCloseTo(Math.log(probabilities[best]), within(1e-5));
        assertThat(drawn.logKeptMass()).containsExactly(0f);
    }

    /** Where a GPU has the logits they are drawn from there; here that is the CPU, and both ways are compared. */
    @ParameterizedTest
    @CsvSource({
        "1, 0, 1, 0, false, 97",
        "0.7, 0, 1, 0, false, 3000",
        "1, 5, 1, 0, false, 3000",
        "1.3, 0, 0.9, 0, false, 2560",
        "1, 40, 0.95, 0.01, false, 4001",
        "1, 0, 1, 0, true, 3000"
    })
    void drawsTheSameWhereTheLogitsAre(
            double temperature, int topK, double topP, double minP, boolean greedy, int vocabulary) {
        SamplingParams params = params(temperature, topK, topP, minP).withGreedy(greedy);
        Random random = new Random(11);
        int rows = 64;
        float[] logits = new float[rows * vocabulary];
        double[] uniforms = new double[rows];
        for (int row = 0; row < rows; row++) {
            System.arraycopy(randomLogits(random, vocabulary, 2), 0, logits, row * vocabulary, vocabulary);
            uniforms[row] = row == 0 ? 0 : row == 1 ? ALMOST_ONE : random.nextDouble();
        }
        try (Scope scope = Scope.open()) {
            Tensor all = Tensor.of(TestDevice.HERE, logits, rows, vocabulary);
            ModelSteps.Drawn here = new TokenSampler(params, STEPS, false).draw(all, uniforms);
            ModelSteps.Drawn there = new TokenSampler(params, STEPS, true).draw(all, uniforms);
            assertThat(there.ids()).isEqualTo(here.ids());
            assertThat(there.logProbs()).isEqualTo(here.logProbs());
            assertThat(there.logKeptMass()).containsExactly(here.logKeptMass(), within(1e-6f));
        }
    }
}

package org.minpro.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * The experts' backward pass in bf16. A block's rows are padded to the longest, and an expert's tokens to a multiple of
 * {@link Transformer#ROW_STEP}; neither may show in a gradient by more than rounding does.
 */
final class ExpertsTest {
    private static final ModelConfig MODEL = TinyModels.experts();
    private static final int HIDDEN = MODEL.hiddenSize();
    private static final int[] LENGTHS = {21, 9, 17};
    private static final int TIME = 21;

    /** Between the gradients of a step of bf16, whose numbers have eight bits: relative, of all of a tensor's numbers. */
    private static final double ROUNDING = 0.01;

    private static double[][] tokens;
    private static double[][] upstream;

    /** Numbers that bf16 holds, for tokens whose experts are chosen by more than rounding. */
    @BeforeAll
    static void chooseTokens() {
        Random random = new Random(17);
        List<double[]> chosen = new ArrayList<>();
        List<double[]> gradients = new ArrayList<>();
        try (Parameters parameters = parameters(DType.F32);
                Scope scope = Scope.open()) {
            assertThat(scope).isNotNull();
            Tensor router = parameters.stored("model.layers.0.mlp.gate.weight");
            while (chosen.size() < LENGTHS.length * TIME) {
                double[] token = gaussian(random);
                double[] probabilities = Tensor.of(Device.CPU, token, 1, HIDDEN)
                        .to(DType.F32)
                        .linear(router)
                        .softmax(1)
                        .largest(3, 1)
                        .values()
                        .doubles();
                if (probabilities[1] > 1.1 * probabilities[2]) {
                    chosen.add(token);
                    gradients.add(gaussian(random));
                }
            }
        }
        tokens = chosen.toArray(double[][]::new);
        upstream = gradients.toArray(double[][]::new);
    }

    private static double[] gaussian(Random random) {
        double[] values = new double[HIDDEN];
        for (int i = 0; i < HIDDEN; i++) {
            // The nearest multiple of 1/32 below 4 has at most seven bits.
            values[i] = Math.clamp(Math.rint(random.nextGaussian() * 32) / 32, -3.875, 3.875);
        }
        return values;
    }

    /** The same weights in each type. */
    private static Parameters parameters(DType type) {
        try (Parameters rounded = Parameters.zeros(MODEL, Device.CPU, DType.BF16)) {
            rounded.initialise(3, 0.2);
            return rounded.inType(MODEL, type);
        }
    }

    /**
     * Gradients of {@code sum(experts(x) * upstream)} by parameter, and under {@code x} that of the tokens.
     *
     * @param places the tokens that are given at once; a negative one, -1 - i, is token i as padding, without upstream
     */
    private static Map<String, double[]> gradients(DType type, int... places) {
        double[] x = new double[places.length * HIDDEN];
        double[] g = new double[places.length * HIDDEN];
        for (int i = 0; i < places.length; i++) {
            boolean real = places[i] >= 0;
            System.arraycopy(tokens[real ? places[i] : -1 - places[i]], 0, x, i * HIDDEN, HIDDEN);
            if (real) {
                System.arraycopy(upstream[places[i]], 0, g, i * HIDDEN, HIDDEN);
            }
        }
        Map<String, double[]> gradients = new TreeMap<>();
        try (Parameters parameters = parameters(type);
                Parameters leaves = parameters.alias();
                GradientSums sums = new GradientSums(DType.F32, leaves, 1);
                WeightGradients ofBlock = sums.ofBlock(0);
                Scope scope = Scope.open()) {
            assertThat(scope).isNotNull();
            Experts experts = new Experts(MODEL, leaves, 0, Kernels.libtorch(MODEL, Device.CPU, type), LinearMap.PLAIN);
            Tensor input = Tensor.of(Device.CPU, x, places.length, HIDDEN).to(type);
            Tensor gradient = Tensor.of(Device.CPU, g, places.length, HIDDEN).to(type);
            gradients.put(
                    "x",
                    experts.backward(input, experts.project(input, null), gradient, ofBlock)
                            .doubles());
            for (String name : List.of("gate.weight", "experts.gate_up_proj.weight", "experts.down_proj.weight")) {
                gradients.put(name, ofBlock.sum("model.layers.0.mlp." + name).doubles());
            }
        }
        return gradients;
    }

    /** Token t of row r is at {@code r TIME + t}; what follows a row's end is padding. */
    private static int[] ragged(int shift) {
        int[] places = new int[LENGTHS.length * TIME];
        for (int row = 0; row < LENGTHS.length; row++) {
            for (int t = 0; t < TIME; t++) {
                int place = row * TIME + t;
                places[place] = t < LENGTHS[row] ? place : -1 - (t + shift) % TIME;
            }
        }
        return places;
    }

    private static int[] real() {
        return Arrays.stream(ragged(0)).filter(place -> place >= 0).toArray();
    }

    /** Those of the tokens one by one, the weights' added up in float64. */
    private static Map<String, double[]> oneByOne(DType type) {
        Map<String, double[]> sums = new TreeMap<>();
        double[] x = new double[tokens.length * HIDDEN];
        for (int place : real()) {
            gradients(type, place).forEach((name, values) -> {
                if (name.equals("x")) {
                    System.arraycopy(values, 0, x, place * HIDDEN, HIDDEN);
                } else {
                    double[] sum = sums.computeIfAbsent(name, key -> new double[values.length]);
                    for (int i = 0; i < sum.length; i++) {
                        sum[i] += values[i];
                    }
                }
            });
        }
        sums.put("x", x);
        return sums;
    }

    private static void assertNear(Map<String, double[]> actual, Map<String, double[]> expected, double tolerance) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        expected.forEach((name, values) -> {
            double[] others = Objects.requireNonNull(actual.get(name));
            assertThat(others).as(name).hasSameSizeAs(values);
            double difference = 0;
            double size = 0;
            for (int i = 0; i < values.length; i++) {
                difference += Math.pow(values[i] - others[i], 2);
                size += values[i] * values[i];
            }
            assertThat(size).as(name).isPositive();
            assertThat(Math.sqrt(difference / size)).as(name).isLessThan(tolerance);
        });
    }

    @Test
    void theTokensAreSharedOutUnevenly() {
        int[] counts = new int[6];
        try (Parameters parameters = parameters(DType.F32);
                Scope scope = Scope.open()) {
            assertThat(scope).isNotNull();
            double[] x = new double[tokens.length * HIDDEN];
            for (int i = 0; i < tokens.length; i++) {
                System.arraycopy(tokens[i], 0, x, i * HIDDEN, HIDDEN);
            }
            new Experts(MODEL, parameters, 0, Kernels.libtorch(MODEL, Device.CPU, DType.F32), LinearMap.PLAIN)
                    .project(Tensor.of(Device.CPU, x, tokens.length, HIDDEN).to(DType.F32), routing -> {
                        for (long expert : routing.chosen().longs()) {
                            counts[(int) expert]++;
                        }
                    });
        }
        assertThat(Arrays.stream(counts)).anyMatch(count -> count > Transformer.ROW_STEP);
        assertThat(Arrays.stream(counts)).anyMatch(count -> count % Transformer.ROW_STEP != 0);
    }

    @Test
    void theGradientsOfARaggedBlockAreThoseOfItsTokensOneByOne() {
        Map<String, double[]> block = gradients(DType.BF16, ragged(0));
        assertNear(block, oneByOne(DType.BF16), ROUNDING);
        for (int place = 0; place < tokens.length; place++) {
            if (ragged(0)[place] < 0) {
                for (int i = 0; i < HIDDEN; i++) {
                    assertThat(Objects.requireNonNull(block.get("x"))[place * HIDDEN + i])
                            .as("padding at %d", place)
                            .isZero();
                }
            }
        }
    }

    @Test
    void whatPaddingHoldsDoesNotShow() {
        assertNear(gradients(DType.BF16, ragged(5)), gradients(DType.BF16, ragged(0)), ROUNDING);
    }

    @Test
    void theGradientsOfARaggedBlockAreThoseOfFloat32() {
        Map<String, double[]> exact = gradients(DType.F32, ragged(0));
        assertNear(gradients(DType.BF16, ragged(0)), exact, 3 * ROUNDING);
        assertNear(exact, oneByOne(DType.F32), 1e-5);
    }
}

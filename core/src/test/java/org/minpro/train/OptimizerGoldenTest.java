package org.minpro.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.minpro.dist.Collectives;
import org.minpro.model.ModelConfig;
import org.minpro.model.Parameters;
import org.minpro.model.TinyModels;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.TestDevice;
import org.minpro.tensor.Workers;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** AdamW and the learning rate against PyTorch's own, from bench/goldens/optimizer.py. */
final class OptimizerGoldenTest {
    private static final String MATRIX = "model.embed_tokens.weight";
    private static final String VECTOR = "model.norm.weight";

    /** A matrix that is stepped in two pieces. */
    private static final ModelConfig MODEL = TinyModels.dense(2100);

    private static JsonNode golden(String name) {
        try (InputStream in = Objects.requireNonNull(OptimizerGoldenTest.class.getResourceAsStream("/train/" + name))) {
            return JsonMapper.builder().build().readTree(in.readAllBytes());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static Stream<Arguments> cases() {
        return golden("adamw.json")
                .valueStream()
                .flatMap(entry -> Stream.of(false, true)
                        .map(together -> Arguments.of(
                                Named.of(
                                        entry.get("name").stringValue() + ", "
                                                + entry.get("type").stringValue(),
                                        entry),
                                Named.of(together ? "in one operation" : "in pieces", together))));
    }

    /** The golden numbers again and again, until a tensor of the model is full. */
    private static Tensor tiled(JsonNode numbers, DType type, Tensor like) {
        double[] golden =
                numbers.valueStream().mapToDouble(JsonNode::doubleValue).toArray();
        double[] values = new double[Math.toIntExact(like.elements())];
        Arrays.setAll(values, i -> golden[i % golden.length]);
        return Tensor.of(TestDevice.HERE, values, like.shape()).to(type);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void adamWStepsAsPyTorch(JsonNode golden, boolean together) {
        DType type = DType.valueOf(golden.get("type").stringValue().toUpperCase(Locale.ROOT));
        OptimizerSettings settings = new OptimizerSettings(
                1,
                0,
                LearningRateSchedule.CONSTANT,
                golden.get("beta1").doubleValue(),
                golden.get("beta2").doubleValue(),
                golden.get("epsilon").doubleValue(),
                golden.get("weight_decay").doubleValue(),
                0);
        try (Parameters master = Parameters.zeros(MODEL, TestDevice.HERE, type);
                AdamW optimizer =
                        new AdamW(settings, master, new Ownership(master.trainable(), Collectives.alone()), together);
                Workers workers = new Workers(2);
                Scope scope = Scope.open()) {
            assertThat(scope).isNotNull();
            Tensor matrix = master.stored(MATRIX);
            Tensor vector = master.stored(VECTOR);
            assertThat(matrix.elements()).isGreaterThan(1 << 16);
            matrix.copyInPlace(tiled(golden.get("matrix"), type, matrix));
            vector.copyInPlace(tiled(golden.get("vector"), type, vector));
            Tensor untouched = master.stored("model.layers.0.mlp.down_proj.weight");
            untouched.fillInPlace(0.5);
            for (JsonNode step : golden.get("steps")) {
                optimizer.step(
                        master,
                        Map.of(
                                MATRIX, tiled(step.get("matrix_gradient"), type, matrix),
                                VECTOR, tiled(step.get("vector_gradient"), type, vector)),
                        step.get("rate").doubleValue(),
                        step.get("scale").doubleValue(),
                        workers);
                assertNear(matrix, step.get("matrix"), type);
                assertNear(vector, step.get("vector"), type);
            }
            assertThat(untouched.doubles()).containsOnly(0.5);
            assertThat(optimizer.steps()).isEqualTo(golden.get("steps").size());
        }
    }

    private static void assertNear(Tensor actual, JsonNode expected, DType type) {
        // The two round differently now and then: by an ulp of the value, and of the steps that are added to it.
        double tolerance = type == DType.F32 ? 4e-7 : 1e-14;
        double[] golden =
                expected.valueStream().mapToDouble(JsonNode::doubleValue).toArray();
        double[] values = actual.doubles();
        double worst = 0;
        for (int i = 0; i < values.length; i++) {
            double size = Math.max(1, Math.abs(golden[i % golden.length]));
            worst = Math.max(worst, Math.abs(values[i] - golden[i % golden.length]) / size);
        }
        assertThat(worst).isLessThan(tolerance);
    }

    @Test
    void learningRatesAreThoseOfPyTorchsSchedulers() {
        for (JsonNode golden : golden("schedules.json")) {
            OptimizerSettings settings = new OptimizerSettings(
                    golden.get("learning_rate").doubleValue(),
                    golden.get("warmup_updates").intValue(),
                    LearningRateSchedule.valueOf(
                            golden.get("schedule").stringValue().toUpperCase(Locale.ROOT)));
            int updates = golden.get("updates").intValue();
            for (int update = 0; update < updates; update++) {
                assertThat(settings.learningRateAt(update, updates))
                        .as("%s, update %d", settings, update)
                        .isCloseTo(
                                golden.get("rates").get(update).doubleValue(), within(1e-12 * settings.learningRate()));
            }
        }
    }

    /** A run that is continued for longer than its schedule: the rate stays where it ended. */
    @Test
    void theRateStaysWhereTheScheduleEnds() {
        OptimizerSettings linear = new OptimizerSettings(1e-3, 2, LearningRateSchedule.LINEAR);
        assertThat(linear.learningRateAt(10, 10)).isZero();
        assertThat(linear.learningRateAt(25, 10)).isZero();
        OptimizerSettings onlyWarmUp = new OptimizerSettings(1e-3, 10, LearningRateSchedule.COSINE);
        assertThat(onlyWarmUp.learningRateAt(9, 10)).isEqualTo(1e-3);
        assertThat(onlyWarmUp.learningRateAt(10, 10)).isEqualTo(1e-3);
    }
}

package org.minpro.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.minpro.model.Kernels;
import org.minpro.model.ModelConfig;
import org.minpro.model.ModelSteps;
import org.minpro.model.Parameters;
import org.minpro.model.PolicyVersion;
import org.minpro.model.Transformer;
import org.minpro.objective.Loss;
import org.minpro.objective.Reinforce;
import org.minpro.rollout.Rollout;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Workers;
import org.minpro.train.PolicyGradient;
import org.minpro.train.TrainingRow;

/**
 * The gradient of whole models: how far it is from libtorch's steps in float64, beside how far libtorch's own in the model's
 * type are. Prompts are shared, and responses of very different lengths.
 */
class ModelGradientTest {
    private static final Map<String, ModelConfig> MODELS = Models.all();

    static Stream<Arguments> modelsAndTypes() {
        return Models.pairs(MODELS.keySet(), List.of(DType.F32, DType.BF16)).stream()
                .map(Arguments::of);
    }

    private static List<TrainingRow> rows(ModelConfig config) {
        Random random = new Random(6);
        List<TrainingRow> rows = new ArrayList<>();
        for (int group = 0; group < 4; group++) {
            int[] prompt = Models.ids(config, random, group == 2 ? 1 : 3 + random.nextInt(60));
            for (int sample = 0; sample <= group; sample++) {
                int length = sample == 1 ? 1 : 1 + random.nextInt(70);
                int[] response = Models.ids(config, random, length);
                boolean[] sampled = new boolean[length];
                Arrays.fill(sampled, true);
                Rollout rollout = new Rollout(
                        group,
                        sample,
                        prompt,
                        response,
                        sampled,
                        new float[length],
                        new float[length],
                        new long[length],
                        Rollout.Finish.LENGTH,
                        "");
                rows.add(TrainingRow.of(rollout, random.nextGaussian()));
            }
        }
        return rows;
    }

    private static Map<String, double[]> gradient(Transformer model, List<TrainingRow> rows) {
        return gradient(model, rows, 1, 300);
    }

    private static Map<String, double[]> gradient(
            Transformer model, List<TrainingRow> rows, int threads, int blockTokens) {
        Map<String, double[]> gradients = new TreeMap<>();
        try (Workers workers = new Workers(threads);
                PolicyVersion version = new PolicyVersion(0, model);
                PolicyGradient.Result result = new PolicyGradient(
                                new PolicyGradient.Settings(1, blockTokens, 0.8), workers)
                        .compute(version.model(), 0, rows, Loss.of(new Reinforce()), false)) {
            result.gradients().forEach((name, gradient) -> gradients.put(name, gradient.doubles()));
        }
        return gradients;
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("modelsAndTypes")
    void gradientsAreAsCloseToFloat64AsLibtorchs(String name, DType type) {
        ModelConfig config = Objects.requireNonNull(MODELS.get(name));
        areAsClose(name, config, type, Models.parameters(config, type));
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("modelsAndTypes")
    void workersThatShareALaneChangeNoBit(String name, DType type) {
        ModelConfig config = Objects.requireNonNull(MODELS.get(name));
        List<TrainingRow> rows = rows(config);
        try (Parameters parameters = Models.parameters(config, type);
                Transformer model =
                        new Transformer(config, parameters, new VectorSteps(config, Device.CPU, type, true))) {
            Map<String, double[]> one = gradient(model, rows, 1, 100);
            Map<String, double[]> three = gradient(model, rows, 3, 100);
            one.forEach((parameter, values) -> assertThat(Arrays.equals(three.get(parameter), values))
                    .as(parameter)
                    .isTrue());
        }
    }

    @Tag("slow")
    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("modelsAndTypes")
    void soAreThoseOfAnAdapter(String name, DType type) {
        ModelConfig config = Objects.requireNonNull(MODELS.get(name));
        areAsClose(name + " with an adapter", config, type, Models.adapted(config, type));
    }

    private static void areAsClose(String name, ModelConfig config, DType type, Parameters made) {
        List<TrainingRow> rows = rows(config);
        ModelSteps libtorch = Kernels.libtorch(config, Device.CPU, type);
        ModelSteps wide = Kernels.libtorch(config, Device.CPU, DType.F64);
        try (Parameters parameters = made;
                Parameters widened = parameters.inType(config, DType.F64);
                Transformer vectors =
                        new Transformer(config, parameters, new VectorSteps(config, Device.CPU, type, true));
                Transformer present = new Transformer(config, parameters, libtorch);
                Transformer exact = new Transformer(config, widened, wide)) {
            Map<String, double[]> own = gradient(vectors, rows);
            Map<String, double[]> theirs = gradient(present, rows);
            Map<String, double[]> expected = gradient(exact, rows);
            assertThat(own.keySet()).isEqualTo(expected.keySet());
            double rounding = type == DType.F32 ? 1e-6 : 1e-2;
            expected.forEach((parameter, of) -> assertThat(
                            Models.distance(Objects.requireNonNull(own.get(parameter)), of))
                    .as(parameter)
                    .isLessThanOrEqualTo(
                            2 * Models.distance(Objects.requireNonNull(theirs.get(parameter)), of) + rounding));
            double ofOwn = Models.distance(joined(own), joined(expected));
            double ofTheirs = Models.distance(joined(theirs), joined(expected));
            // docs/exactness.md has these.
            System.getLogger("org.minpro")
                    .log(
                            System.Logger.Level.INFO,
                            String.format(
                                    Locale.ROOT,
                                    "%s, %s: all parameters %.1e, libtorch %.1e",
                                    name,
                                    type,
                                    ofOwn,
                                    ofTheirs));
            assertThat(ofOwn).as("all parameters").isLessThanOrEqualTo(1.5 * ofTheirs + rounding / 4);
        }
    }

    private static double[] joined(Map<String, double[]> gradients) {
        return gradients.values().stream().flatMapToDouble(Arrays::stream).toArray();
    }
}

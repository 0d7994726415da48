package org.minpro.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.minpro.tensor.DType;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.TestDevice;

class TransformerTest {
    private static int[] ids(Random random, int length) {
        return random.ints(length, 2, 97).toArray();
    }

    private static ModelConfig config(boolean experts) {
        return experts ? TinyModels.experts() : TinyModels.dense();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void decodingWithACacheGivesTheLogProbsOfTheWholeRow(boolean experts) {
        Random random = new Random(5);
        try (Transformer model = TinyModels.random(config(experts), DType.F64, 3);
                Parameters parameters = model.parameters();
                Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            int[] prompt = ids(random, 11);
            int[] response = ids(random, 20);
            Tensor targets =
                    Tensor.of(TestDevice.HERE, TokenBlock.of(prompt, response).targets());
            double[] whole = new LanguageHead(model, 1)
                    .logProbs(model.hidden(TokenBlock.of(prompt, response)), targets, false)
                    .logProbs()
                    .doubles();
            double[] stepwise = new double[response.length];
            try (KeyValueCache.Prefix prefix = model.prefill(prompt);
                    KeyValueCache cache = model.cache(3, 64, 64)) {
                cache.fill(1, prefix);
                Tensor logits = model.logits(prefix.lastHidden());
                for (int t = 0; t < response.length; t++) {
                    stepwise[t] = logits.logSoftmax(1)
                            .select(0, 0)
                            .select(0, response[t])
                            .item();
                    logits = model.logits(model.decode(
                                    cache, new int[] {0, 1, 2}, new long[] {0, response[t], 0}, new long[] {
                                        0, prompt.length + t, 0
                                    }))
                            .narrow(0, 1, 1);
                }
            }
            assertThat(stepwise).containsExactly(whole, within(1e-10));
        }
    }

    @Test
    void rowsOfDifferentLengthsAreRefusedAndLeaveTheCacheAsItWas() {
        try (Transformer model = TinyModels.random(TinyModels.dense(), DType.F32, 3);
                Parameters parameters = model.parameters();
                Scope scope = Scope.open();
                NoGradient off = NoGradient.open();
                KeyValueCache.Prefix prefix = model.prefill(ids(new Random(5), 11));
                KeyValueCache given = model.cache(1, 64, 64);
                KeyValueCache other = model.cache(1, 64, 64)) {
            given.fill(0, prefix);
            other.fill(0, prefix);
            int[] slots = {0};
            long[] none = {};
            long[][] ids = {{5, 6}, none, {5}, {5}};
            long[][] positions = {{30}, {30}, {30, 31}, none};
            for (int i = 0; i < ids.length; i++) {
                long[] ofRows = ids[i];
                long[] at = positions[i];
                assertThatThrownBy(() -> model.decode(given, slots, ofRows, at))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage(
                                "ids and positions must be as many as slots (1), got: %d ids and %d positions",
                                ofRows.length, at.length);
            }
            long[] next = {11};
            assertThat(model.decode(given, slots, next, next).floats())
                    .containsExactly(model.decode(other, slots, next, next).floats());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void sharingAPromptChangesNeitherLogProbsNorGradients(boolean experts) {
        Random random = new Random(6);
        List<int[]> prompts = List.of(ids(random, 7), ids(random, 12));
        List<int[]> responses = List.of(ids(random, 9), ids(random, 1), ids(random, 15), ids(random, 4));
        int[] promptOf = {0, 0, 1, 1};
        try (Transformer model = TinyModels.random(config(experts), DType.F64, 4);
                Parameters parameters = model.parameters();
                Scope scope = Scope.open()) {
            Map<String, double[]> shared = gradients(model, new TokenBlock(prompts, promptOf, responses));
            List<TokenBlock> unshared = new ArrayList<>();
            for (int row = 0; row < responses.size(); row++) {
                unshared.add(TokenBlock.of(prompts.get(promptOf[row]), responses.get(row)));
            }
            Map<String, double[]> alone = byAutograd(model, unshared);
            assertThat(shared.keySet()).isEqualTo(alone.keySet());
            shared.forEach((name, gradient) -> assertThat(gradient)
                    .as(name)
                    .containsExactly(Objects.requireNonNull(alone.get(name)), within(1e-9)));
        }
    }

    /** Weights of the log-probs whose sum is differentiated, from a token on. */
    private static double[] weights(int first, int count) {
        return IntStream.range(first, first + count)
                .mapToDouble(i -> Math.sin(i + 1))
                .toArray();
    }

    /** Gradients of the sum of a block's weighted log-probs, as the trainer computes them. */
    private static Map<String, double[]> gradients(Transformer model, TokenBlock block) {
        Map<String, double[]> result = new TreeMap<>();
        DType type = model.parameters().type();
        try (Parameters leaves = model.parameters().alias();
                GradientSums sums = new GradientSums(type, leaves, 1);
                WeightGradients gradients = sums.ofBlock(0);
                Scope scope = Scope.open()) {
            Transformer live = model.over(leaves);
            ForwardPass pass = live.record(block);
            LanguageHead.Pass head =
                    new LanguageHead(live, 1).record(pass.hidden(), Tensor.of(TestDevice.HERE, block.targets()), false);
            Tensor upstream = Tensor.of(TestDevice.HERE, weights(0, block.responseTokens()))
                    .to(type);
            pass.backward(head.gradient(upstream, gradients), gradients);
            gradients.end();
            sums.end();
            sums.takeSums().forEach((name, sum) -> {
                result.put(name, sum.doubles());
                sum.close();
            });
        }
        return result;
    }

    /** The same over several blocks by autograd through everything. */
    private static Map<String, double[]> byAutograd(Transformer model, List<TokenBlock> blocks) {
        Map<String, double[]> result = new TreeMap<>();
        try (Parameters leaves = model.parameters().alias();
                Scope scope = Scope.open()) {
            Transformer live = model.over(leaves);
            Tensor sum = Tensor.zeros(TestDevice.HERE, DType.F64, 1);
            int token = 0;
            for (TokenBlock block : blocks) {
                Tensor logProbs = ReferenceAttention.hidden(live, block)
                        .linear(live.head())
                        .logSoftmax(1)
                        .gather(1, Tensor.of(TestDevice.HERE, block.targets()).unsqueeze(1))
                        .squeeze(1);
                sum = sum.add(logProbs.multiply(Tensor.of(TestDevice.HERE, weights(token, block.responseTokens())))
                        .sum());
                token += block.responseTokens();
            }
            sum.backward();
            leaves.stored()
                    .forEach((name, leaf) -> result.put(
                            name, Objects.requireNonNull(leaf.gradient(), name).doubles()));
        }
        return result;
    }

    /** Five tokens, whatever the chunks and pieces they are cut into. */
    @ParameterizedTest
    @CsvSource({"5, 5", "8, 2", "2, 2", "3, 2", "4, 1"})
    void theHeadsWrittenOutGradientEqualsAutograd(int chunk, int piece) {
        Random random = new Random(8);
        try (Transformer model = TinyModels.random(TinyModels.dense(), DType.F64, 4);
                Parameters parameters = model.parameters();
                GradientSums ofBlocks = new GradientSums(DType.F64, parameters, 1);
                WeightGradients gradients = ofBlocks.ofBlock(0);
                Scope scope = Scope.open()) {
            double temperature = 0.7;
            Tensor hidden = Tensor.of(TestDevice.HERE, random.doubles(5 * 32).toArray(), 5, 32)
                    .requireGradient();
            Tensor weight = model.head().detach().requireGradient();
            Tensor targets = Tensor.of(TestDevice.HERE, new long[] {4, 8, 0, 96, 4});
            Tensor upstream = Tensor.of(TestDevice.HERE, new double[] {1, -2, 0.5, 0, 3});
            Tensor distribution = hidden.linear(weight).divide(temperature).logSoftmax(1);
            Tensor logProbs = distribution.gather(1, targets.unsqueeze(1)).squeeze(1);
            logProbs.multiply(upstream).sum().backward();
            LanguageHead.Pass pass = new LanguageHead(model, temperature, chunk, piece)
                    .record(hidden, targets, new LanguageHead.Wanted(true, true));
            assertThat(Objects.requireNonNull(pass.result().collisions()).doubles())
                    .containsExactly(
                            distribution.detach().exp().square().sum(1, false).doubles(), within(1e-12));
            assertThat(pass.result().logProbs().doubles())
                    .containsExactly(logProbs.detach().doubles(), within(1e-12));
            assertThat(Objects.requireNonNull(pass.result().entropies()).doubles())
                    .containsExactly(
                            distribution
                                    .detach()
                                    .multiply(distribution.detach().exp())
                                    .sum(1, false)
                                    .negate()
                                    .doubles(),
                            within(1e-12));
            Tensor toHidden = pass.gradient(upstream, gradients);
            gradients.end();
            SequencedMap<String, Tensor> sums = ofBlocks.takeSums();
            assertThat(sums).hasSize(1);
            Tensor headGradient = sums.firstEntry().getValue();
            assertThat(toHidden.doubles())
                    .containsExactly(Objects.requireNonNull(hidden.gradient()).doubles(), within(1e-12));
            assertThat(headGradient.doubles())
                    .containsExactly(Objects.requireNonNull(weight.gradient()).doubles(), within(1e-12));
            headGradient.close();
        }
    }

    @Test
    void entropyIsThatOfTheWholeDistribution() {
        try (Transformer model = TinyModels.random(TinyModels.dense(), DType.F64, 4);
                Parameters parameters = model.parameters();
                Scope scope = Scope.open()) {
            Tensor hidden = Tensor.zeros(TestDevice.HERE, DType.F64, 2, 32);
            double[] entropies = Objects.requireNonNull(new LanguageHead(model, 1)
                            .logProbs(hidden, Tensor.of(TestDevice.HERE, new long[] {1, 2}), true)
                            .entropies())
                    .doubles();
            assertThat(entropies).containsExactly(new double[] {Math.log(97), Math.log(97)}, within(1e-12));
        }
    }

    @Test
    void aForwardPassAndItsGradientsLeaveNoNativeObject() {
        Random random = new Random(9);
        TokenBlock block = new TokenBlock(List.of(ids(random, 5)), new int[2], List.of(ids(random, 6), ids(random, 3)));
        try (Transformer model = TinyModels.random(TinyModels.experts(), DType.F32, 4);
                Parameters parameters = model.parameters()) {
            gradients(model, block);
            long before = Scope.nativeObjects();
            for (int i = 0; i < 20; i++) {
                gradients(model, block);
            }
            assertThat(Scope.nativeObjects()).isEqualTo(before);
        }
    }
}

package org.minpro.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.minpro.tensor.DType;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.TestDevice;

/** A GPU's attention, on a CPU: the same numbers as those of the CPU's, which is checked against autograd elsewhere. */
class PaddedAttentionTest {
    /** Trunks of different lengths with and without branches; trunks of one length; a single row; one token alone. */
    static List<TokenBlock> blocks() {
        Random random = new Random(5);
        return List.of(
                block(random, new int[] {7, 12, 3}, new int[] {0, 0, 0, 1, 2, 2}),
                block(random, new int[] {9, 9}, new int[] {0, 0, 1, 1, 1}),
                block(random, new int[] {33}, new int[] {0}),
                block(random, new int[] {1}, new int[] {0, 0}));
    }

    private static TokenBlock block(Random random, int[] prompts, int[] promptOf) {
        List<int[]> promptIds = new ArrayList<>();
        for (int length : prompts) {
            promptIds.add(random.ints(length, 1, 50).toArray());
        }
        List<int[]> responses = new ArrayList<>();
        for (int i = 0; i < promptOf.length; i++) {
            responses.add(random.ints(1 + random.nextInt(19), 1, 50).toArray());
        }
        return new TokenBlock(promptIds, promptOf, responses);
    }

    @ParameterizedTest
    @MethodSource("blocks")
    void findsWhatTheCpusAttentionFindsAndItsGradients(TokenBlock block) {
        compare(block, DType.F64, DType.F64, 1e-12);
    }

    /** A GPU's way in bfloat16: what comes and goes is float32. The numbers are of order 1, gradients sums of a few. */
    @ParameterizedTest
    @MethodSource("blocks")
    void findsItInBfloat16WithinWhatIsRounded(TokenBlock block) {
        compare(block, DType.F32, DType.BF16, 0.1);
    }

    private static void compare(TokenBlock block, DType outer, DType type, double tolerance) {
        ModelConfig config = TinyModels.dense();
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            TokenBlock.Placed placed = block.place(TestDevice.HERE);
            long tokens = block.computedTokens();
            Random random = new Random(9);
            Tensor[] queryKeyValue = {
                uniforms(random, tokens, config.heads(), config.headDim()).to(outer),
                uniforms(random, tokens, config.keyValueHeads(), config.headDim())
                        .to(outer),
                uniforms(random, tokens, config.keyValueHeads(), config.headDim())
                        .to(outer)
            };
            Tensor upstream = uniforms(random, tokens, (long) config.heads() * config.headDim())
                    .to(outer);
            BlockAttention expected = new LibtorchAttention(config, placed.sequences());
            BlockAttention padded = new PaddedAttention(config, TestDevice.HERE, type, placed.sequences());
            BlockAttention.Attended right = expected.forward(queryKeyValue);
            BlockAttention.Attended found = padded.forward(queryKeyValue);
            assertThat(found.output().type()).isEqualTo(outer);
            assertClose(found.output(), right.output(), tolerance);
            Tensor[] slopes = expected.backward(upstream, queryKeyValue, right);
            Tensor[] gradients = padded.backward(upstream, queryKeyValue, found);
            for (int i = 0; i < slopes.length; i++) {
                assertThat(gradients[i].type()).isEqualTo(outer);
                assertClose(gradients[i], slopes[i], tolerance);
            }
        }
    }

    /** The whole model in the shape that a GPU computes it in. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "F64"})
    void aModelHasTheSameNumbersInBothShapes(DType type) {
        ModelConfig config = TinyModels.dense();
        double tolerance = type == DType.F32 ? 2e-5 : 1e-12;
        try (Parameters parameters = Parameters.zeros(config, TestDevice.HERE, type)) {
            parameters.initialise(3, 0.2);
            for (TokenBlock block : blocks()) {
                try (Parameters leaves = parameters.alias();
                        Transformer one = new Transformer(config, leaves, steps(config, type, false));
                        Transformer other = new Transformer(config, leaves, steps(config, type, true));
                        Scope scope = Scope.open()) {
                    assertClose(other.hidden(block), one.hidden(block), tolerance);
                    Tensor slope = gradient(one, block);
                    assertClose(
                            gradient(other, block),
                            slope,
                            tolerance * Math.max(1, slope.abs().max().item()));
                }
            }
        }
    }

    private static ModelSteps steps(ModelConfig config, DType type, boolean together) {
        return new LibtorchSteps(config, TestDevice.HERE, type, together);
    }

    /** The embedding's gradient of the sum of the hidden states: all layers have a part in it. */
    private static Tensor gradient(Transformer model, TokenBlock block) {
        try (Scope scope = Scope.open();
                GradientSums sums = new GradientSums(model.parameters().type(), model.parameters(), 1);
                WeightGradients gradients = sums.ofBlock(0)) {
            ForwardPass pass = model.record(block);
            Tensor hidden = pass.hidden();
            pass.backward(Tensor.ones(TestDevice.HERE, hidden.type(), hidden.shape()), gradients);
            gradients.end();
            sums.end();
            return scope.keep(gradients.sum("model.embed_tokens.weight").copy());
        }
    }

    private static Tensor uniforms(Random random, long... shape) {
        long elements = 1;
        for (long size : shape) {
            elements *= size;
        }
        double[] values = random.doubles(elements).map(x -> 4 * x - 2).toArray();
        return Tensor.of(TestDevice.HERE, values, shape);
    }

    private static void assertClose(Tensor found, Tensor expected, double tolerance) {
        assertThat(found.shape()).isEqualTo(expected.shape());
        assertThat(found.subtract(expected).abs().max().item()).isLessThan(tolerance);
    }
}

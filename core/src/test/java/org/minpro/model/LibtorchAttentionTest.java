package org.minpro.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/** Attention over a block and its gradients, against autograd over all scores with a mask in float64. */
@Tag("slow")
class LibtorchAttentionTest {
    private static final int HEAD_DIM = 8;

    /** Lengths of prompts, then of each prompt's responses; a response of one token has no token of its own. */
    private record Shape(int[] prompts, int[]... responses) {
        TokenBlock block() {
            List<int[]> rows = new ArrayList<>();
            List<Integer> promptOf = new ArrayList<>();
            // Rows of different prompts take turns: the order of rows is not that of prompts.
            int most = Arrays.stream(responses).mapToInt(r -> r.length).max().orElseThrow();
            for (int i = 0; i < most; i++) {
                for (int prompt = 0; prompt < prompts.length; prompt++) {
                    if (i < responses[prompt].length) {
                        rows.add(new int[responses[prompt][i]]);
                        promptOf.add(prompt);
                    }
                }
            }
            return new TokenBlock(
                    Arrays.stream(prompts).mapToObj(int[]::new).toList(),
                    promptOf.stream().mapToInt(Integer::intValue).toArray(),
                    rows);
        }
    }

    private static final List<Shape> SHAPES = List.of(
            new Shape(new int[] {7}, new int[] {5}),
            new Shape(new int[] {1}, new int[] {1}),
            new Shape(new int[] {9}, new int[] {1, 1, 1}),
            new Shape(new int[] {6}, new int[] {4, 4, 4}),
            new Shape(new int[] {13}, new int[] {2, 9, 1, 5}),
            new Shape(new int[] {3, 11, 6}, new int[] {4, 7}, new int[] {1, 3, 3}, new int[] {8}),
            // Longer than the blocks that the kernels cut queries and keys into.
            new Shape(new int[] {530, 40}, new int[] {200, 70}, new int[] {33, 300}));

    @ParameterizedTest
    @CsvSource({"2, 2, F64", "4, 2, F64", "7, 1, F64", "14, 2, F64", "2, 2, F32", "4, 2, F32", "7, 1, F32", "14, 2, F32"
    })
    void outputAndGradientsAreThoseOfAutogradOverTheWholeSquare(int heads, int keyHeads, DType type) {
        ModelConfig config = TinyModels.heads(heads, keyHeads, HEAD_DIM);
        double tolerance = type == DType.F64 ? 1e-11 : 1e-5;
        for (Shape shape : SHAPES) {
            TokenBlock block = shape.block();
            try (Scope scope = Scope.open()) {
                long tokens = block.computedTokens();
                Tensor[] exact = {normals(0, tokens, heads), normals(1, tokens, keyHeads), normals(2, tokens, keyHeads)
                };
                Tensor upstream = normals(3, tokens, heads).view(tokens, (long) heads * HEAD_DIM);
                Tensor[] given =
                        Arrays.stream(exact).map(x -> x.to(type).copy()).toArray(Tensor[]::new);

                for (Tensor leaf : exact) {
                    leaf.requireGradient();
                }
                Tensor expected = ReferenceAttention.attention(block).apply(exact);
                expected.backward(upstream);

                BlockAttention attention =
                        new LibtorchAttention(config, block.place(Device.CPU).sequences());
                BlockAttention.Attended attended = attention.forward(given);
                Tensor[] gradients = attention.backward(upstream.to(type), given, attended);

                assertClose(attended.output(), expected.detach(), tolerance, shape + ": output");
                for (int i = 0; i < 3; i++) {
                    assertClose(
                            gradients[i],
                            Objects.requireNonNull(exact[i].gradient()),
                            tolerance,
                            shape + ": gradient of "
                                    + List.of("queries", "keys", "values").get(i));
                }
            }
        }
    }

    /** The same numbers where queries, keys and values are strided views, as the model's are. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void viewsGiveTheBitsOfCopies(int responses) {
        TokenBlock block = new TokenBlock(
                List.of(new int[50]),
                new int[responses],
                IntStream.range(0, responses).mapToObj(i -> new int[20 + i]).toList());
        try (Scope scope = Scope.open()) {
            Tensor all = normals(0, block.computedTokens(), 8).to(DType.F32);
            Tensor[] views = all.split(1, 4, 2, 2);
            Tensor[] copies = Arrays.stream(views).map(Tensor::contiguous).toArray(Tensor[]::new);
            BlockAttention attention = new LibtorchAttention(
                    TinyModels.heads(4, 2, HEAD_DIM), block.place(Device.CPU).sequences());
            BlockAttention.Attended ofViews = attention.forward(views);
            assertThat(ofViews.output().floats())
                    .containsExactly(attention.forward(copies).output().floats());
            Tensor upstream = ofViews.output().multiply(2);
            Tensor[] expected = attention.backward(upstream, copies, ofViews);
            Tensor[] actual = attention.backward(upstream, views, ofViews);
            for (int i = 0; i < 3; i++) {
                assertThat(actual[i].floats()).containsExactly(expected[i].floats());
            }
        }
    }

    private static Tensor normals(long draw, long tokens, long heads) {
        int count = Math.toIntExact(tokens * heads * HEAD_DIM);
        return Tensor.of(Device.CPU, Philox.normals(count, 5, Philox.Purpose.TRIAL, draw), tokens, heads, HEAD_DIM)
                .to(DType.F64);
    }

    private static void assertClose(Tensor actual, Tensor expected, double tolerance, String name) {
        double largest = expected.abs().max().item();
        double difference = actual.to(DType.F64).subtract(expected).abs().max().item();
        assertThat(difference).as(name).isLessThanOrEqualTo(tolerance * Math.max(1, largest));
    }
}

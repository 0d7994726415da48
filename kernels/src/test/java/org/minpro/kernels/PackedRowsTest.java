package org.minpro.kernels;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.minpro.model.Kernels;
import org.minpro.model.PackedMatrix;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * A row of a product has the same bits beside any others. Asked of every processor that has the instructions for it, so that
 * no other test is left out by {@link Kernels#vectors} or {@link Kernels#exact} without anybody's notice.
 */
class PackedRowsTest {
    private static final int ROWS = 70;

    static void assumeInstructions(String name) throws IOException {
        Path processor = Path.of("/proc/cpuinfo");
        assumeTrue(
                System.getProperty("os.arch").equals("amd64") && Files.exists(processor),
                "nothing says what instructions this processor has");
        assumeTrue(Files.readString(processor).contains(name), "this processor does not have " + name);
    }

    @Test
    void float32IsExactWithVectorsOf256Bits() throws IOException {
        assumeInstructions("avx2");
        assertThat(Kernels.vectors()).as(Kernels.reason()).isTrue();
        assertThat(Kernels.exact(DType.F32)).isTrue();
    }

    @Test
    void bfloat16IsExactInShapesOfAnyModel() throws IOException {
        assumeInstructions("avx512dq");
        assertThat(Kernels.vectors()).as(Kernels.reason()).isTrue();
        assertThat(Kernels.exact(DType.BF16)).isTrue();
        Random random = new Random(5);
        for (int trial = 0; trial < 8; trial++) {
            int in = 1 + random.nextInt(640);
            int out = 1 + random.nextInt(500);
            int packedFor = 1 + random.nextInt(100);
            try (Scope scope = Scope.open();
                    NoGradient off = NoGradient.open()) {
                Tensor all = normals(2L * trial, ROWS, in);
                try (PackedMatrix packed =
                        requireNonNull(VectorSteps.packed(normals(2L * trial + 1, out, in), packedFor))) {
                    double[] together = packed.linear(all, null).doubles();
                    for (int count : new int[] {1, 2, 35}) {
                        double[] apart = new double[ROWS * out];
                        for (int first = 0; first < ROWS; first += count) {
                            int rows = Math.min(count, ROWS - first);
                            double[] some = packed.linear(all.narrow(0, first, rows), null)
                                    .doubles();
                            System.arraycopy(some, 0, apart, first * out, some.length);
                        }
                        assertThat(apart)
                                .as("%d inputs, %d outputs, packed for %d, %d rows at once", in, out, packedFor, count)
                                .containsExactly(together);
                    }
                }
            }
        }
    }

    private static Tensor normals(long draw, int rows, int columns) {
        return Tensor.of(Device.CPU, Philox.normals(rows * columns, 0L, Philox.Purpose.TRIAL, draw), rows, columns)
                .to(DType.BF16);
    }
}

package org.minpro.model;

import java.util.Arrays;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * How many entries of a cache attention may leave out. Masked entries add nothing to a sum, but kernels choose the order of
 * their sums by the number of entries: OpenBLAS has kernels of its own for small products, and cuts long sums into panels.
 */
final class AttentionSpan {
    private AttentionSpan() {}

    /**
     * The least multiple of {@code step} such that attention over that many entries or more has the bits of attention over
     * the whole capacity. Found by trying, with the shapes of the model's heads.
     */
    static int least(ModelConfig config, Device device, DType type, int capacity, int step) {
        int queries = config.heads() / config.keyValueHeads();
        int width = config.headDim();
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor query = normals(device, type, 0, queries, width); // [1, 1, queries, width]
            Tensor keys = normals(device, type, 1, capacity, width); // [1, 1, capacity, width]
            Tensor values = normals(device, type, 2, capacity, width);
            int least = capacity;
            for (int entries = (capacity - 1) / step * step; entries > 0; entries -= step) {
                if (!alike(query, keys, values, entries)) {
                    break;
                }
                least = entries;
            }
            return least;
        }
    }

    /** Whether the first entries have the same bits as all of them with the others masked. */
    private static boolean alike(Tensor query, Tensor keys, Tensor values, int entries) {
        try (Scope scope = Scope.open()) {
            Tensor mask = Tensor.full(query.device(), query.type(), Double.NEGATIVE_INFINITY, 1, 1, 1, keys.size(2));
            Tensor seen = mask.narrow(3, 0, entries).zeroInPlace();
            Tensor whole = Tensor.attention(query, keys, values, mask, false);
            Tensor part =
                    Tensor.attention(query, keys.narrow(2, 0, entries), values.narrow(2, 0, entries), seen, false);
            return Arrays.equals(whole.doubles(), part.doubles());
        }
    }

    private static Tensor normals(Device device, DType type, long draw, int rows, int width) {
        return Tensor.of(device, Philox.normals(rows * width, 0, Philox.Purpose.TRIAL, draw), 1, 1, rows, width)
                .to(type);
    }
}

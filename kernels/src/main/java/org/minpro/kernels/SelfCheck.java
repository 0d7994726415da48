package org.minpro.kernels;

import java.util.Arrays;
import java.util.List;
import org.minpro.model.PackedMatrix;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/** What is tried on a machine before the kernels are relied on. */
final class SelfCheck {
    private static final Device DEVICE = Device.CPU;
    private static final double TOLERANCE = 1e-5;

    private SelfCheck() {}

    /**
     * Attention of a prompt of 19 tokens and two responses, against softmax written out in float64; and its last token's
     * against the same token's with a cache.
     *
     * @throws IllegalStateException if they differ
     */
    static void attention() {
        int heads = 4;
        int keyHeads = 2;
        int headDim = 16;
        int prompt = 19;
        int[] branches = {5, 30};
        int tokens = prompt + branches[0] + branches[1];
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor query = normals(0, DType.F32, tokens, heads, headDim);
            Tensor key = normals(1, DType.F32, tokens, keyHeads, headDim);
            Tensor value = normals(2, DType.F32, tokens, keyHeads, headDim);
            Tensor output = Tensor.empty(DEVICE, DType.F32, tokens, heads, headDim);
            int last = prompt + branches[0];
            SequenceAttention.forward(
                    query.address(),
                    key.address(),
                    value.address(),
                    output.address(),
                    heads,
                    keyHeads,
                    headDim,
                    0,
                    prompt,
                    new int[] {prompt, last},
                    branches,
                    TensorMemory.bytes(
                            DEVICE, SequenceAttention.scratchBytes(heads, keyHeads, headDim, prompt + branches[1])));
            // The second response after its prompt, without the first one.
            Tensor row = Tensor.concatenate(List.of(key.narrow(0, 0, prompt), key.narrow(0, last, branches[1])), 0);
            Tensor rowValues =
                    Tensor.concatenate(List.of(value.narrow(0, 0, prompt), value.narrow(0, last, branches[1])), 0);
            float[] found = output.select(0, tokens - 1).floats();
            double[] expected = written(query.select(0, tokens - 1), row, rowValues);
            for (int i = 0; i < found.length; i++) {
                if (!(Math.abs(found[i] - expected[i]) <= TOLERANCE)) {
                    throw new IllegalStateException(
                            "attention must give " + expected[i] + " in its check, got: " + found[i]);
                }
            }
            float[] decoded = decoded(query.select(0, tokens - 1), row, rowValues);
            if (!Arrays.equals(decoded, found)) {
                throw new IllegalStateException(
                        "attention with a cache must give the bits of attention over whole rows");
            }
        }
    }

    /** Attention of one token over all keys, in float64. */
    private static double[] written(Tensor query, Tensor keys, Tensor values) {
        double[] q = query.doubles();
        double[] k = keys.doubles();
        double[] v = values.doubles();
        int count = (int) keys.size(0);
        int keyHeads = (int) keys.size(1);
        int headDim = (int) keys.size(2);
        int heads = q.length / headDim;
        double[] output = new double[q.length];
        for (int head = 0; head < heads; head++) {
            int keyHead = head / (heads / keyHeads);
            double[] weights = new double[count];
            double total = 0;
            for (int j = 0; j < count; j++) {
                double score = 0;
                for (int i = 0; i < headDim; i++) {
                    score += q[head * headDim + i] * k[(j * keyHeads + keyHead) * headDim + i];
                }
                weights[j] = Math.exp(score / Math.sqrt(headDim));
                total += weights[j];
            }
            for (int j = 0; j < count; j++) {
                for (int i = 0; i < headDim; i++) {
                    output[head * headDim + i] += weights[j] / total * v[(j * keyHeads + keyHead) * headDim + i];
                }
            }
        }
        return output;
    }

    private static float[] decoded(Tensor query, Tensor keys, Tensor values) {
        int count = (int) keys.size(0);
        int keyHeads = (int) keys.size(1);
        int headDim = (int) keys.size(2);
        int heads = (int) query.size(0);
        int capacity = ScoreRow.full(count + 1);
        Tensor cachedKeys = Tensor.zeros(DEVICE, DType.F32, keyHeads, capacity, headDim);
        Tensor cachedValues = Tensor.zeros(DEVICE, DType.F32, keyHeads, capacity, headDim);
        DecodeAttention.fill(
                false,
                cachedKeys.address(),
                cachedValues.address(),
                0,
                keyHeads,
                headDim,
                capacity,
                keys.address(),
                values.address(),
                count);
        Tensor output = Tensor.empty(DEVICE, DType.F32, heads, headDim);
        DecodeAttention.attend(
                false,
                query.address(),
                cachedKeys.address(),
                cachedValues.address(),
                DecodeAttention.Rows.apart(new int[1], new int[] {count}),
                0,
                output.address(),
                heads,
                keyHeads,
                headDim,
                capacity,
                TensorMemory.bytes(DEVICE, DecodeAttention.scratchBytes(heads, keyHeads, headDim, capacity)));
        return output.floats();
    }

    /** Whether each row of a product has the bits that it has alone, in shapes of small and middling models. */
    static boolean productsOfRowsAlone(DType type) {
        int[][] shapes = {{32, 48}, {128, 384}, {336, 128}, {576, 960}, {1536, 576}};
        int[] counts = {2, 16, 47, 200};
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            for (int[] shape : shapes) {
                Tensor weight = normals(0, type, shape[1], shape[0]);
                Tensor all = normals(1, type, counts[counts.length - 1], shape[0]);
                try (PackedMatrix packed = VectorSteps.packed(weight, 64)) {
                    if (packed == null) {
                        return false;
                    }
                    double[] alone = new double[(int) all.size(0) * shape[1]];
                    for (int row = 0; row < all.size(0); row++) {
                        double[] product =
                                packed.linear(all.narrow(0, row, 1), null).doubles();
                        System.arraycopy(product, 0, alone, row * shape[1], shape[1]);
                    }
                    for (int count : counts) {
                        double[] product =
                                packed.linear(all.narrow(0, 0, count), null).doubles();
                        if (!Arrays.equals(product, Arrays.copyOf(alone, product.length))) {
                            return false;
                        }
                    }
                }
            }
            return true;
        }
    }

    private static Tensor normals(long draw, DType type, long... shape) {
        int count = 1;
        for (long size : shape) {
            count *= (int) size;
        }
        return Tensor.of(DEVICE, Philox.normals(count, 0, Philox.Purpose.TRIAL, draw), shape)
                .to(type);
    }
}

package org.minpro.tensor;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whether kernels of attention give on a device, on small numbers, what the plain operations give in float32. */
final class AttentionCheck {
    /** Of sums over a few numbers of order 1, by the type of queries, keys and values. */
    private static final double TOLERANCE = 1e-4;

    private static final double BFLOAT16_TOLERANCE = 0.06;

    private static final int QUERIES = 37;
    private static final int KEYS = 56;

    private AttentionCheck() {}

    /** The first kernel that passes; where none does, the plain operations, which say why the last one did not. */
    static AttentionKernel first(Device device, DType type, long headDim, List<? extends AttentionKernel> kernels) {
        String reason = "there is no kernel";
        for (AttentionKernel kernel : kernels) {
            try {
                double far = difference(kernel, device, type, headDim);
                if (far <= (type == DType.BF16 ? BFLOAT16_TOLERANCE : TOLERANCE)) {
                    return kernel;
                }
                reason = "the kernel's check gave numbers that differ by " + far;
            } catch (RuntimeException e) {
                reason = "the kernel's check failed: "
                        + String.valueOf(e.getMessage()).lines().findFirst().orElse("");
            }
        }
        return new PlainAttention(reason);
    }

    /** The largest difference of results and gradients: causal, with a mask, and over all keys; no length is round. */
    private static double difference(AttentionKernel kernel, Device device, DType type, long headDim) {
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor mask = Tensor.zeros(device, type, 2, 1, 1, KEYS);
            mask.narrow(0, 0, 1).narrow(3, 41, 15).fillInPlace(Double.NEGATIVE_INFINITY);
            double causal = difference(kernel, device, type, headDim, QUERIES, null, true);
            double masked = difference(kernel, device, type, headDim, KEYS, mask, false);
            double whole = difference(kernel, device, type, headDim, KEYS, null, false);
            // What is no number stays so.
            return Math.max(causal, Math.max(masked, whole));
        }
    }

    private static double difference(
            AttentionKernel kernel,
            Device device,
            DType type,
            long headDim,
            int keys,
            @Nullable Tensor mask,
            boolean causal) {
        AttentionKernel plain = new PlainAttention("it is the measure");
        Tensor query = normals(device, type, 0, QUERIES, headDim);
        Tensor upstream = normals(device, type, 1, QUERIES, headDim);
        Tensor key = normals(device, type, 2, keys, headDim);
        Tensor value = normals(device, type, 3, keys, headDim);
        FlashAttention.Result expected = plain.forward(query, key, value, mask, causal);
        FlashAttention.Result result = kernel.forward(query, key, value, mask, causal);
        FlashAttention.Gradient slope = plain.backward(upstream, query, key, value, expected, mask, causal);
        FlashAttention.Gradient found = kernel.backward(upstream, query, key, value, result, mask, causal);
        double largest = 0;
        for (Tensor each : List.of(
                result.output().subtract(expected.output()),
                result.logSumExp().subtract(expected.logSumExp()),
                found.query().subtract(slope.query()),
                found.key().subtract(slope.key()),
                found.value().subtract(slope.value()))) {
            largest = Math.max(largest, each.abs().max().item());
        }
        return largest;
    }

    private static Tensor normals(Device device, DType type, long draw, int length, long headDim) {
        int count = Math.toIntExact(6L * length * headDim);
        return Tensor.of(device, Philox.normals(count, 0, Philox.Purpose.TRIAL, draw), 2, 3, length, headDim)
                .to(type);
    }
}

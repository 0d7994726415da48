package org.minpro.rollout;

import java.util.Arrays;
import org.minpro.model.Kernels;
import org.minpro.model.ModelConfig;
import org.minpro.model.PackedWeights;
import org.minpro.model.Transformer;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * Which slots of a block compute alike. Some kernels (OpenBLAS's for Haswell) round a row of a matrix product by its place
 * among the rows, whatever the other rows hold; a response that always decodes in slots of one kind has the same bits
 * wherever it is decoded.
 */
final class SlotKinds {
    /** So many numbers of a row are compared that different roundings show. */
    private static final int MOST_OUTPUTS = 512;

    private SlotKinds() {}

    /** The kind of each slot, {@code [slots]}: found with products of equal rows, in the shapes and the type of the model's. */
    static int[] of(Transformer model, int slots) {
        if (Kernels.together(model.device())) {
            // No bits are promised there.
            return new int[slots];
        }
        ModelConfig config = model.config();
        int hidden = config.hiddenSize();
        int inner = config.intermediateSize();
        double[][][] products = {
            products(model, slots, hidden, hidden),
            products(model, slots, hidden, inner),
            products(model, slots, inner, hidden),
            products(model, slots, hidden, config.vocabSize())
        };
        int[] kinds = new int[slots];
        for (int slot = 0; slot < slots; slot++) {
            while (!alike(products, slot, kinds[slot])) {
                kinds[slot]++;
            }
        }
        return kinds;
    }

    private static boolean alike(double[][][] products, int one, int other) {
        for (double[][] rows : products) {
            if (!Arrays.equals(rows[one], rows[other])) {
                return false;
            }
        }
        return true;
    }

    /** The same row in every slot, times one matrix, {@code [slots][outputs]}. */
    private static double[][] products(Transformer model, int slots, int inputs, int allOutputs) {
        int outputs = Math.min(MOST_OUTPUTS, allOutputs);
        Device device = model.device();
        DType type = model.parameters().type();
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor row = Tensor.of(device, Philox.normals(inputs, 0, Philox.Purpose.TRIAL, 0), 1, inputs)
                    .to(type); // [1, inputs]
            Tensor weight = Tensor.of(
                            device, Philox.normals(outputs * inputs, 0, Philox.Purpose.TRIAL, 1), outputs, inputs)
                    .to(type); // [outputs, inputs]
            Tensor rows = row.expand(slots, inputs).copy();
            double[] flat; // [slots, outputs]
            try (PackedWeights weights = new PackedWeights(model.steps(), slots)) {
                flat = weights.linear(rows, weight, null).doubles();
            }
            double[][] outputsOf = new double[slots][];
            for (int slot = 0; slot < slots; slot++) {
                outputsOf[slot] = Arrays.copyOfRange(flat, slot * outputs, (slot + 1) * outputs);
            }
            return outputsOf;
        }
    }
}

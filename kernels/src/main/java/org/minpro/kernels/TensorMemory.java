package org.minpro.kernels;

import java.util.Arrays;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Tensor;

/** The memory of tensors, as kernels are given it: of the expected shape and type, dense. */
final class TensorMemory {
    private TensorMemory() {}

    /** The tensor, or a copy where its elements have gaps between them. */
    static Tensor dense(String name, Tensor tensor, DType type, long... shape) {
        if (tensor.type() != type || !Arrays.equals(tensor.shape(), shape)) {
            throw new IllegalArgumentException(
                    name + " must be " + type + " " + Arrays.toString(shape) + ", got: " + tensor);
        }
        return tensor.isContiguous() ? tensor : tensor.contiguous();
    }

    /** The address of a tensor that is written over: a copy would be of no use. */
    static long written(String name, Tensor tensor, DType type, long... shape) {
        if (!tensor.isContiguous()) {
            throw new IllegalArgumentException(name + " must be dense to be written over, got: " + tensor);
        }
        return dense(name, tensor, type, shape).address();
    }

    /** TensorMemory with undefined contents, freed with the current scope. */
    static long bytes(Device device, long bytes) {
        return Tensor.empty(device, DType.F32, (bytes + 3) / 4).address();
    }
}

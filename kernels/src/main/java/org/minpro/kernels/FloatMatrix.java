package org.minpro.kernels;

import org.jspecify.annotations.Nullable;
import org.minpro.model.PackedMatrix;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/** A float32 weight in the layout of {@link PackedProduct}. */
final class FloatMatrix implements PackedMatrix {
    private final int out;
    private final int in;
    private final Tensor packed;

    /** @param weight {@code [out, in]} float32 */
    FloatMatrix(Tensor weight) {
        out = Math.toIntExact(weight.size(0));
        in = Math.toIntExact(weight.size(1));
        try (Scope scope = Scope.open()) {
            Tensor dense = TensorMemory.dense("weight", weight, DType.F32, out, in);
            packed = Tensor.empty(weight.device(), DType.F32, PackedProduct.packedBytes(out, in) / DType.F32.bytes())
                    .retain();
            PackedProduct.pack(dense.address(), packed.address(), out, in);
        }
    }

    @Override
    public Tensor linear(Tensor x, @Nullable Tensor bias) {
        long rows = x.size(0);
        Tensor given = TensorMemory.dense("x", x, DType.F32, rows, in);
        Tensor y = Tensor.empty(x.device(), DType.F32, rows, out);
        PackedProduct.multiply(
                given.address(),
                packed.address(),
                bias == null
                        ? 0
                        : TensorMemory.dense("bias", bias, DType.F32, out).address(),
                y.address(),
                Math.toIntExact(rows),
                in,
                out);
        return y;
    }

    /**
     * The address of the packed numbers of a weight that must have this shape.
     *
     * @param name of the weight, for an error
     */
    long address(String name, long out, long in) {
        if (this.out != out || this.in != in) {
            throw new IllegalArgumentException(
                    "packed " + name + " must be [" + out + ", " + in + "], got: [" + this.out + ", " + this.in + "]");
        }
        return packed.address();
    }

    @Override
    public void close() {
        packed.close();
    }
}

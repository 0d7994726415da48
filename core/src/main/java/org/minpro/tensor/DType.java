package org.minpro.tensor;

import org.bytedeco.pytorch.global.torch.ScalarType;

/** The element type of a {@link Tensor}. */
public enum DType {
    F64(ScalarType.Double, 8),
    F32(ScalarType.Float, 4),
    F16(ScalarType.Half, 2),
    BF16(ScalarType.BFloat16, 2),
    I64(ScalarType.Long, 8),
    I32(ScalarType.Int, 4),
    U8(ScalarType.Byte, 1),
    BOOL(ScalarType.Bool, 1);

    // The native enum is initialised by the engine's classes: a name keeps DType usable without loading libtorch.
    private final ScalarType scalarType;
    private final int bytes;

    DType(ScalarType scalarType, int bytes) {
        this.scalarType = scalarType;
        this.bytes = bytes;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }

    public boolean isFloating() {
        return this == F64 || this == F32 || this == F16 || this == BF16;
    }

    ScalarType scalarType() {
        return scalarType;
    }

    static DType of(ScalarType scalarType) {
        for (DType type : values()) {
            if (type.scalarType.value == scalarType.intern().value) {
                return type;
            }
        }
        throw new IllegalArgumentException("tensor dtype must be one of DType's, got: " + scalarType);
    }
}

package org.minpro.tensor;

/** Where a {@link Tensor} lives: the CPU, or a CUDA device by its index. */
public record Device(Kind kind, int index) {
    /** The kinds of device that the engine knows. */
    public enum Kind {
        CPU,
        CUDA
    }

    public static final Device CPU = new Device(Kind.CPU, 0);

    public Device {
        if (index < 0 || (kind == Kind.CPU && index != 0)) {
            throw new IllegalArgumentException("device index must be 0 for the CPU and >= 0 for CUDA, got: " + index);
        }
    }

    public static Device cuda(int index) {
        return new Device(Kind.CUDA, index);
    }

    @Override
    public String toString() {
        return kind == Kind.CPU ? "cpu" : "cuda:" + index;
    }
}

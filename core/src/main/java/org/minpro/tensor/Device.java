package org.minpro.tensor;

/**
 * Where a {@link Tensor} lives: the CPU, a CUDA device by its index, or nowhere ({@link #META}).
 *
 * <p>Whoever makes a tensor says where. What works with a model takes the model's device, or that of the tensors it was
 * given; only who opens a model names one.
 */
public record Device(Kind kind, int index) {
    /** The kinds of device that the engine knows. */
    public enum Kind {
        CPU,
        CUDA,
        META
    }

    public static final Device CPU = new Device(Kind.CPU, 0);

    /** Tensors with a shape and a type but without elements: they take no memory and cannot be read. */
    public static final Device META = new Device(Kind.META, 0);

    public Device {
        if (index < 0 || (kind != Kind.CUDA && index != 0)) {
            throw new IllegalArgumentException("device index must be >= 0 for CUDA, else 0, got: " + index);
        }
    }

    public static Device cuda(int index) {
        return new Device(Kind.CUDA, index);
    }

    /** Whether a text is {@code cpu}, {@code cuda} or {@code cuda:N}. */
    static boolean isName(String text) {
        return text.matches("cpu|cuda(:\\d{1,3})?");
    }

    /**
     * What a setting names: {@code cpu}, {@code cuda} (the first one) or {@code cuda:N}.
     *
     * @throws IllegalArgumentException if it is none of them
     */
    public static Device parse(String text) {
        if (!isName(text)) {
            throw new IllegalArgumentException("device must be cpu, cuda or cuda:N, got: " + text);
        }
        if (text.equals("cpu")) {
            return CPU;
        }
        return cuda(text.length() > 5 ? Integer.parseInt(text.substring(5)) : 0);
    }

    /** Whether it is a CUDA device, with memory of its own, whose kernels are launched. */
    public boolean isCuda() {
        return kind == Kind.CUDA;
    }

    /** As libtorch writes it: {@code cpu}, {@code cuda:0}, {@code meta}. */
    @Override
    public String toString() {
        return switch (kind) {
            case CPU -> "cpu";
            case CUDA -> "cuda:" + index;
            case META -> "meta";
        };
    }
}

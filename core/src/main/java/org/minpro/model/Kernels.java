package org.minpro.model;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Tensor;

/**
 * Which {@link ModelSteps} models of this process are computed with: kernels in Java's Vector API where they can be, else
 * libtorch's operations.
 *
 * <p>The vectors are a module of their own, for Java 25 and later, which is looked up by the name of its class. They need
 * {@code --add-modules jdk.incubator.vector} when Java is started, and pass a check of their results before they are taken.
 * {@code -Dminpro.kernels=libtorch} leaves them out. {@code -Dminpro.kernels=gpu} does too, and computes in the shape of a GPU on
 * any device, so that what a GPU does otherwise can be run without one.
 */
public final class Kernels {
    /**
     * A step of AdamW over float32 tensors of one shape on a CPU, with the bits of libtorch's operations:
     *
     * <pre>
     * g = scale gradient
     * m = beta1 m + (1 - beta1) g
     * v = beta2 v + (1 - beta2) g^2
     * p = decay p - step m / (sqrt(v) / rootCorrection + epsilon)
     * </pre>
     */
    @FunctionalInterface
    public interface OptimizerStep {
        /** Steps {@code parameter p}, {@code mean m} and {@code square v} in place. */
        void step(Tensor parameter, Tensor mean, Tensor square, Tensor gradient, Factors factors);

        /** The numbers of a step, as above. */
        record Factors(
                double scale,
                double decay,
                double beta1,
                double beta2,
                double step,
                double rootCorrection,
                double epsilon) {}
    }

    /** Makes steps of vectors; what the module implements, with a constructor without parameters. */
    public interface Provider {
        /**
         * Compares results of the kernels on this machine with what they must be.
         *
         * @throws IllegalStateException if they are not, with what was wrong
         */
        void check();

        /** What the vectors are, such as {@code 512 bits}. */
        String description();

        /**
         * Whether products by packed weights give a row the same bits beside any others on this machine, found by trying:
         * then the log-probabilities of sampling and of training are equal to the bit.
         */
        boolean exact(DType type);

        OptimizerStep optimizerStep();

        /** The steps of a model, or null where they do not cover it. */
        @Nullable ModelSteps steps(ModelConfig config, Device device, DType type);
    }

    private static final String INSTEAD = "libtorch's operations instead of vectors, because ";
    private static final String PROVIDER = "org.minpro.kernels.VectorKernels";
    private static final String PROPERTY = "minpro.kernels";
    private static final String GPU = "gpu";
    private static final boolean SHAPED = System.getProperty(PROPERTY, "").equals(GPU);
    private static final String MODULE = "jdk.incubator.vector";
    private static final int FIRST_JAVA = 25;

    /** The provider, or why there is none. */
    private record Found(@Nullable Provider provider, String reason) {}

    private static final class Holder {
        static final Found FOUND = find();
    }

    private Kernels() {}

    private static Found find() {
        String asked = System.getProperty(PROPERTY, "");
        if (asked.equals("libtorch") || asked.equals(GPU)) {
            return new Found(null, "-D" + PROPERTY + "=" + asked + " asks for it");
        }
        if (!asked.isEmpty()) {
            throw new IllegalArgumentException("-D" + PROPERTY + " must be libtorch, gpu or left out, got: " + asked);
        }
        int java = Runtime.version().feature();
        if (java < FIRST_JAVA) {
            return new Found(null, "they need Java " + FIRST_JAVA + " or later, this is " + java);
        }
        if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
            return new Found(null, "Java was started without --add-modules " + MODULE);
        }
        try {
            Provider provider = Class.forName(PROVIDER)
                    .asSubclass(Provider.class)
                    .getDeclaredConstructor()
                    .newInstance();
            provider.check();
            return new Found(provider, "");
        } catch (ClassNotFoundException e) {
            return new Found(null, "minpro-kernels is not on the class path");
        } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
            Throwable cause = e instanceof ReflectiveOperationException && e.getCause() != null ? e.getCause() : e;
            return new Found(null, "their check at start failed: " + cause);
        }
    }

    /**
     * Whether work on a device is done in the shape of a GPU: in few large operations, with little read back in between, and
     * without a promise of equal bits.
     */
    public static boolean together(Device device) {
        return device.isCuda() || SHAPED;
    }

    /** Whether models on a CPU in float32 or bfloat16 are computed with vectors. */
    public static boolean vectors() {
        return Holder.FOUND.provider != null;
    }

    /** Why there are no vectors, a clause such as {@code they need Java 25 or later, this is 21}; empty where there are. */
    public static String reason() {
        return Holder.FOUND.reason;
    }

    /** What computes on a CPU, and why, for reports. */
    public static String description() {
        Provider provider = Holder.FOUND.provider;
        return provider != null ? "vectors of " + provider.description() : INSTEAD + Holder.FOUND.reason;
    }

    /** What computes on a device, and why. */
    public static String description(Device device) {
        return device.isCuda() ? INSTEAD + "the device is a GPU" : description();
    }

    /**
     * What a person should know who computes in a type on a device, a line each: that there are no vectors and why, or that
     * sampling and training do not agree to the bit. Empty where all is as it should be.
     */
    public static List<String> notices(Device device, DType type) {
        if (device.isCuda() || !vectors()) {
            return List.of("computing with " + description(device));
        }
        return exact(device, type)
                ? List.of()
                : List.of("log-probabilities of sampling and training agree to rounding, not to the bit: on this"
                        + " processor a row of a product of " + type + " depends on the rows beside it;"
                        + " mismatch/max says how far");
    }

    /** Whether the log-probabilities of sampling and of training are equal to the bit on this machine's CPU; found by trying. */
    public static boolean exact(DType type) {
        Provider provider = Holder.FOUND.provider;
        return provider != null && provider.exact(type);
    }

    /** Whether they are on a device: on a GPU they never are. */
    public static boolean exact(Device device, DType type) {
        return !device.isCuda() && exact(type);
    }

    /** The optimizer's step by vectors; null where there are none. */
    public static @Nullable OptimizerStep optimizerStep() {
        Provider provider = Holder.FOUND.provider;
        return provider == null ? null : provider.optimizerStep();
    }

    /** The steps for a model. */
    static ModelSteps steps(ModelConfig config, Device device, DType type) {
        Provider provider = Holder.FOUND.provider;
        ModelSteps vectors =
                provider != null && device.kind() == Device.Kind.CPU ? provider.steps(config, device, type) : null;
        return vectors != null ? vectors : libtorch(config, device, type);
    }

    /** Libtorch's steps for a model, to compare with. */
    public static ModelSteps libtorch(ModelConfig config, Device device, DType type) {
        return libtorch(config, device, type, together(device));
    }

    /** @param together whether in the shape of a GPU, see {@link #together} */
    public static ModelSteps libtorch(ModelConfig config, Device device, DType type, boolean together) {
        return new LibtorchSteps(config, device, type, together);
    }
}

package org.minpro.tensor;

import java.util.function.Supplier;
import org.bytedeco.pytorch.Context;
import org.bytedeco.pytorch.global.torch;

/**
 * Operations that add in one order on a CUDA device too, where libtorch's usual ones add as threads arrive.
 *
 * <p>Libtorch has a setting for that, of the whole process, which also makes operations slow that need no order: a copy to
 * given rows is sorted first, in some 15 launches of kernels. So it is on around these alone.
 */
final class FixedOrder {
    private FixedOrder() {}

    /** Runs an operation on a device. */
    static <T> T of(Device device, Supplier<T> operation) {
        return device.isCuda() ? with(true, operation) : operation.get();
    }

    /** Runs one that heeds the setting only where a warning would not do: the way back of attention. */
    static <T> T strictly(Supplier<T> operation) {
        return with(false, operation);
    }

    /** One at a time: the setting is the process's. */
    private static synchronized <T> T with(boolean warningWillDo, Supplier<T> operation) {
        Context context = torch.globalContext();
        boolean before = context.deterministicAlgorithms();
        boolean warned = context.deterministicAlgorithmsWarnOnly();
        context.setDeterministicAlgorithms(true, warningWillDo);
        try {
            return operation.get();
        } finally {
            context.setDeterministicAlgorithms(before, warned);
        }
    }
}

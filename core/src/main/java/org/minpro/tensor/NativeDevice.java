package org.minpro.tensor;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/** What libtorch takes for a {@link Device}; one for each, kept for the life of the process. */
final class NativeDevice {
    private static final Map<Device, NativeDevice> KNOWN = new ConcurrentHashMap<>();

    /** Options of tensors on the host whose memory a CUDA device reads by itself, by type; null where there can be none. */
    private static final class Pinned {
        static final TensorOptions @Nullable [] OPTIONS = pinned();

        private static TensorOptions @Nullable [] pinned() {
            TensorOptions[] options = new TensorOptions[DType.values().length];
            try (PointerScope scope = new PointerScope()) {
                for (DType type : DType.values()) {
                    TensorOptions ofType = new TensorOptions(type.scalarType()).pinned_memory(new BoolOptional(true));
                    ofType.retainReference();
                    options[type.ordinal()] = ofType;
                }
                boolean there = torch.empty(new long[] {1}, options[0], new MemoryFormatOptional())
                        .is_pinned();
                return there ? options : null;
            } catch (RuntimeException e) {
                // Then copies wait for the device, as they do without.
                return null;
            }
        }
    }

    private final org.bytedeco.pytorch.Device device;
    private final TensorOptions[] options = new TensorOptions[DType.values().length];

    private NativeDevice(Device named) {
        try (PointerScope scope = new PointerScope()) {
            device = new org.bytedeco.pytorch.Device(named.toString());
            device.retainReference();
            for (DType type : DType.values()) {
                TensorOptions ofType = new TensorOptions(type.scalarType()).device(new DeviceOptional(device));
                ofType.retainReference();
                options[type.ordinal()] = ofType;
            }
        }
    }

    static org.bytedeco.pytorch.Device of(Device device) {
        return known(device).device;
    }

    /** For a tensor that is made on a device. */
    static TensorOptions options(Device device, DType type) {
        return known(device).options[type.ordinal()];
    }

    /**
     * For a tensor on the host that goes to a CUDA device: pinned, so that the copy waits for nothing.
     *
     * @return null where memory cannot be pinned
     */
    static @Nullable TensorOptions pinned(DType type) {
        TensorOptions[] options = Pinned.OPTIONS;
        return options == null ? null : options[type.ordinal()];
    }

    private static NativeDevice known(Device device) {
        return KNOWN.computeIfAbsent(device, NativeDevice::new);
    }
}

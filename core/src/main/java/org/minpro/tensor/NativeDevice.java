package org.minpro.tensor;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.TensorOptions;

/** What libtorch takes for a {@link Device}; one for each, kept for the life of the process. */
final class NativeDevice {
    private static final Map<Device, NativeDevice> KNOWN = new ConcurrentHashMap<>();

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

    private static NativeDevice known(Device device) {
        return KNOWN.computeIfAbsent(device, NativeDevice::new);
    }
}

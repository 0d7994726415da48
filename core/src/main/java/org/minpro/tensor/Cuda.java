package org.minpro.tensor;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.SizeTPair;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/** What this machine has to compute on CUDA devices with, and what is missing. */
public final class Cuda {
    /** Files that NVIDIA's driver makes; the last is that of Windows' subsystem for Linux. */
    private static final List<String> DRIVER = List.of("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg");

    private static final String KERNELS = "org/bytedeco/pytorch/linux-x86_64-gpu/libtorch_cuda.so";

    private Cuda() {}

    /**
     * What was found.
     *
     * @param library whether libtorch has kernels for CUDA
     * @param driver whether NVIDIA's driver is there
     * @param devices that the driver shows to this process; 0 where one of the others is missing
     */
    public record Found(boolean library, boolean driver, int devices) {
        /** The first obstacle to computing on a device, one line with what to do; null where there is none. */
        @Nullable String obstacle(Device device) {
            String needed = "to compute on " + device + ", ";
            if (!library) {
                return needed
                        + "libtorch must have kernels for CUDA, got: one for CPUs alone; point MINPRO_LIBTORCH at the"
                        + " torch/lib folder of an installed PyTorch with CUDA (MINPRO_LIBTORCH=python finds it), or take"
                        + " minpro-linux-x86_64-gpu (-Pgpu), see docs/gpu.md";
            }
            if (!driver) {
                return needed + "NVIDIA's driver must be installed, got: none of " + String.join(", ", DRIVER)
                        + "; install driver 580 or later for CUDA 13, and in a container give it the devices (--gpus all)";
            }
            if (devices == 0) {
                return needed + "the driver must show a device to this process, got: none; look at nvidia-smi and at"
                        + " CUDA_VISIBLE_DEVICES, and whether the driver is 580 or later";
            }
            return device.index() < devices
                    ? null
                    : needed + "there must be so many devices, got: " + devices + ", from cuda:0 to cuda:"
                            + (devices - 1);
        }
    }

    private static final class Holder {
        static final Found FOUND = find();
    }

    /** What there is here; found once. Libtorch is loaded only where it has kernels for CUDA and there is a driver. */
    public static Found found() {
        return Holder.FOUND;
    }

    static boolean driver() {
        return DRIVER.stream().anyMatch(file -> Files.exists(Path.of(file)));
    }

    private static Found find() {
        InstalledTorch installed = InstalledTorch.asked();
        boolean library = installed != null
                ? installed.hasCuda()
                : Engine.class.getClassLoader().getResource(KERNELS) != null;
        boolean driver = driver();
        int devices = 0;
        if (library && driver) {
            Engine.start();
            devices = torch.hasCUDA() ? torch.cuda_device_count() : 0;
        }
        return new Found(library, driver, devices);
    }

    /** Whether a text is a setting: {@code auto}, {@code cpu}, {@code cuda} or {@code cuda:N}. */
    public static boolean isSetting(String text) {
        return text.equals("auto") || Device.isName(text);
    }

    /**
     * The device that a setting comes to: {@code cuda} is the first CUDA device, and among processes of one machine that of this
     * one's {@code LOCAL_RANK}; {@code auto} is the same where there is one, else the CPU. Whether a named one is there is another
     * question ({@link Engine#use}).
     */
    public static Device chosen(String setting) {
        if (!setting.equals("auto") && !setting.equals("cuda")) {
            return Device.parse(setting);
        }
        Device mine = Device.cuda(card(System.getenv("LOCAL_RANK"), found().devices()));
        return setting.equals("cuda") || found().obstacle(mine) == null ? mine : Device.CPU;
    }

    /**
     * The index of a process's device: processes of one machine take them in turn.
     *
     * @param localRank ordinal of the process on its machine, as torchrun sets it; null where it is alone
     * @param devices that it sees, which may be its own alone
     */
    static int card(@Nullable String localRank, int devices) {
        if (localRank == null || localRank.isBlank() || devices < 2) {
            return 0;
        }
        if (!localRank.strip().matches("\\d{1,9}")) {
            throw new IllegalArgumentException(
                    "the environment's LOCAL_RANK must be a whole number >= 0, got: " + localRank);
        }
        return Integer.parseInt(localRank.strip()) % devices;
    }

    /** Why {@code auto} is the CPU here; empty where it is not. */
    public static String obstacle() {
        String obstacle = found().obstacle(Device.cuda(0));
        return obstacle == null ? "" : obstacle;
    }

    /** Bytes of a CUDA device's memory that nobody has taken. */
    public static long freeBytes(Device device) {
        Engine.start();
        try (PointerScope scope = new PointerScope()) {
            SizeTPair freeAndAll = torch.getMemoryInfo((byte) device.index());
            return freeAndAll.first();
        }
    }
}

package org.minpro.run;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.Cuda;
import org.minpro.tensor.Device;
import org.minpro.tensor.Engine;

/**
 * Memory that this process can still get: what the machine has left, and no more than what is left of the limit of each
 * control group (cgroup v1 or v2, such as a container's) that the process is in.
 */
public final class MachineMemory {
    private MachineMemory() {}

    /** Bytes that this process can still get. */
    public static long availableBytes() {
        return availableBytes(Path.of("/"));
    }

    /** Bytes that this process can still get where it computes: of a GPU's memory, or of the machine's. */
    public static long whereModelsAre() {
        Device device = Engine.device();
        return device.isCuda() ? Cuda.freeBytes(device) : availableBytes();
    }

    /** @param root the folder that {@code proc} and {@code sys} are in */
    static long availableBytes(Path root) {
        long machine = Long.MAX_VALUE;
        for (String line : lines(root.resolve("proc/meminfo"))) {
            if (line.startsWith("MemAvailable:")) {
                machine = Long.parseLong(line.replaceAll("\\D", "")) << 10;
            }
        }
        if (machine == Long.MAX_VALUE) {
            machine = ofPlatform();
        }
        for (String line : lines(root.resolve("proc/self/cgroup"))) {
            // hierarchy:controllers:path; version 2 has one hierarchy without controllers.
            String[] fields = line.split(":", 3);
            if (fields.length < 3) {
                continue;
            }
            if (fields[1].isEmpty()) {
                Path folder = root.resolve("sys/fs/cgroup");
                machine = Math.min(machine, ofGroups(folder, fields[2], "memory.max", "memory.current", ""));
            } else if (List.of(fields[1].split(",")).contains("memory")) {
                Path folder = root.resolve("sys/fs/cgroup/memory");
                machine = Math.min(
                        machine,
                        ofGroups(folder, fields[2], "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"));
            }
        }
        return machine;
    }

    /** The least that is left in the group and in those around it. */
    private static long ofGroups(Path hierarchy, String group, String limitFile, String usageFile, String prefix) {
        long least = Long.MAX_VALUE;
        // Inside a container the path may be that of the host, and the hierarchy's top the container's own group.
        Path relative = Path.of(group.replaceFirst("^/+", "")).normalize();
        for (Path folder = hierarchy.resolve(relative);
                folder != null && folder.startsWith(hierarchy);
                folder = folder.getParent()) {
            Long limit = number(folder.resolve(limitFile));
            Long usage = number(folder.resolve(usageFile));
            if (limit != null && usage != null) {
                least = Math.min(least, Math.max(0, limit - usage + cached(folder, prefix)));
            }
        }
        return least;
    }

    /** Files' pages count as used, and are given back when memory is needed. */
    private static long cached(Path folder, String prefix) {
        long bytes = 0;
        for (String line : lines(folder.resolve("memory.stat"))) {
            if (line.startsWith(prefix + "active_file ") || line.startsWith(prefix + "inactive_file ")) {
                bytes += Long.parseLong(line.substring(line.indexOf(' ') + 1).strip());
            }
        }
        return bytes;
    }

    /** The number that a file holds, or null where there is no file or no limit ({@code max}). */
    private static @Nullable Long number(Path file) {
        List<String> lines = lines(file);
        return lines.isEmpty() || !lines.getFirst().matches("\\d{1,19}") ? null : parse(lines.getFirst());
    }

    private static @Nullable Long parse(String digits) {
        try {
            // The first version writes the largest page-aligned number for no limit.
            long number = Long.parseLong(digits);
            return number >= Long.MAX_VALUE - (1 << 20) ? null : number;
        } catch (NumberFormatException e) {
            return null;
        }
    }

    private static List<String> lines(Path file) {
        try {
            return Files.isReadable(file) ? Files.readAllLines(file, StandardCharsets.UTF_8) : List.of();
        } catch (IOException e) {
            // What cannot be read limits nothing that we know of.
            return List.of();
        }
    }

    private static long ofPlatform() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getFreeMemorySize()
                : Long.MAX_VALUE;
    }
}

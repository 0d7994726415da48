package org.minpro.app;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** Memory that this machine can still give. */
final class MachineMemory {
    private MachineMemory() {}

    static long availableBytes() {
        Path info = Path.of("/proc/meminfo");
        if (Files.isReadable(info)) {
            try {
                for (String line : Files.readAllLines(info)) {
                    if (line.startsWith("MemAvailable:")) {
                        return Long.parseLong(line.replaceAll("\\D", "")) << 10;
                    }
                }
            } catch (IOException e) {
                // The platform's own figure below serves as well.
                return ofPlatform();
            }
        }
        return ofPlatform();
    }

    private static long ofPlatform() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getFreeMemorySize()
                : Long.MAX_VALUE;
    }
}

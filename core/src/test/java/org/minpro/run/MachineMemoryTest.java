package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MachineMemoryTest {
    private static final long GIB = 1L << 30;

    @TempDir
    private Path root;

    @BeforeEach
    void writeMachine() throws IOException {
        write("proc/meminfo", "MemTotal: 33554432 kB\nMemAvailable: 16777216 kB\n");
    }

    @Test
    void isWhatTheMachineHasLeftWithoutControlGroups() {
        assertThat(MachineMemory.availableBytes(root)).isEqualTo(16 * GIB);
    }

    @Test
    void isWhatTheContainerHasLeftWithPagesOfFilesGivenBack() throws IOException {
        write("proc/self/cgroup", "0::/\n");
        write("sys/fs/cgroup/memory.max", 4 * GIB + "\n");
        write("sys/fs/cgroup/memory.current", 3 * GIB + "\n");
        write(
                "sys/fs/cgroup/memory.stat",
                "anon 7\nfile 9\nactive_file " + GIB / 4 + "\ninactive_file " + GIB / 4 + "\n");

        assertThat(MachineMemory.availableBytes(root)).isEqualTo(GIB + GIB / 2);
    }

    @Test
    void theTightestOfTheGroupsAroundDecides() throws IOException {
        write("proc/self/cgroup", "0::/slice/unit\n");
        group("sys/fs/cgroup/slice", "2147483648", "0");
        group("sys/fs/cgroup/slice/unit", "max", "0");

        assertThat(MachineMemory.availableBytes(root)).isEqualTo(2 * GIB);
    }

    @Test
    void aPathOfTheHostIsLookedForAtTheTop() throws IOException {
        write("proc/self/cgroup", "0::/../docker/abc\n");
        group("sys/fs/cgroup", "" + GIB, "0");

        assertThat(MachineMemory.availableBytes(root)).isEqualTo(GIB);
    }

    @Test
    void readsTheFirstVersion() throws IOException {
        write("proc/self/cgroup", "7:blkio:/\n4:cpu,memory:/docker/abc\n0::/\n");
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        write("sys/fs/cgroup/memory/memory.usage_in_bytes", "5\n");
        write("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", 3 * GIB + "\n");
        write("sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes", 2 * GIB + "\n");
        write(
                "sys/fs/cgroup/memory/docker/abc/memory.stat",
                "inactive_file 5\ntotal_inactive_file " + GIB + "\ntotal_active_file 0\n");

        assertThat(MachineMemory.availableBytes(root)).isEqualTo(2 * GIB);
    }

    @Test
    void noLimitLeavesTheMachines() throws IOException {
        write("proc/self/cgroup", "0::/a\n");
        group("sys/fs/cgroup/a", "max", "1");

        assertThat(MachineMemory.availableBytes(root)).isEqualTo(16 * GIB);
    }

    @Test
    void aGroupOverItsLimitHasNothingLeft() throws IOException {
        write("proc/self/cgroup", "0::/a\n");
        group("sys/fs/cgroup/a", "1000", "2000");

        assertThat(MachineMemory.availableBytes(root)).isZero();
    }

    private void group(String folder, String limit, String usage) throws IOException {
        write(folder + "/memory.max", limit + "\n");
        write(folder + "/memory.current", usage + "\n");
    }

    private void write(String path, String text) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }
}

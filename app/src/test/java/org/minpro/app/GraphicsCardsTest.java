package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@DisabledOnOs(OS.WINDOWS)
class GraphicsCardsTest {
    @TempDir
    private Path folder;

    private String tool(String... lines) throws IOException {
        Path tool = folder.resolve("nvidia-smi");
        Files.writeString(tool, "#!/bin/sh\n" + String.join("\n", lines) + "\n");
        Files.setPosixFilePermissions(tool, PosixFilePermissions.fromString("rwx------"));
        return tool.toString();
    }

    @Test
    void hasALineForEachCard() throws IOException {
        assertThat(GraphicsCards.read(tool(
                        "echo '0, NVIDIA H100 80GB HBM3, 580.159.03, 81559, 81000'",
                        "echo '1, NVIDIA A2, 580.159.03, [N/A], 15000'")))
                .containsExactly(
                        "cuda:0 NVIDIA H100 80GB HBM3, driver 580.159.03, 85.5 GB, 84.9 GB free",
                        "cuda:1 NVIDIA A2, driver 580.159.03, [N/A], 15.7 GB free");
    }

    @Test
    void hasNoneWhereTheToolFailsOrIsMissing() throws IOException {
        assertThat(GraphicsCards.read(tool("echo 'NVIDIA-SMI has failed'", "exit 9")))
                .isEmpty();
        assertThat(GraphicsCards.read(folder.resolve("none").toString())).isEmpty();
    }
}

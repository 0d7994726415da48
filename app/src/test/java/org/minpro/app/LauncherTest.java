package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The script {@code ./minpro}, with a build and a Java that only say how they were called. */
@DisabledOnOs(OS.WINDOWS)
final class LauncherTest {
    @TempDir
    Path root;

    @BeforeEach
    void writeStubs() throws IOException {
        Files.copy(Path.of("..").resolve("minpro").toRealPath(), script("minpro", ""), REPLACE);
        script("bin/build", "exit 0");
        script("jdk/bin/java", "echo \"$LC_ALL|$LRU_CACHE_CAPACITY\"");
        script("bin/find-java", "echo \"25 " + root.resolve("jdk") + "\"");
        Files.writeString(Files.createDirectories(root.resolve("app/target")).resolve("classpath"), "x.jar\n");
        Files.setPosixFilePermissions(root.resolve("minpro"), PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static final java.nio.file.CopyOption REPLACE = java.nio.file.StandardCopyOption.REPLACE_EXISTING;

    private Path script(String name, String body) throws IOException {
        Path file = root.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, "#!/bin/sh\n" + body + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        return file;
    }

    private String run(Map<String, String> environment) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(root.resolve("minpro").toString(), "objectives");
        builder.environment().keySet().removeIf(name -> name.startsWith("L"));
        builder.environment().putAll(environment);
        Process process = builder.redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output.strip();
    }

    /** Java would read every letter outside of ASCII as two that mean nothing. */
    @Test
    void withoutALocaleArgumentsAreUtf8() throws Exception {
        assertThat(run(Map.of())).isEqualTo("C.UTF-8|32");
        assertThat(run(Map.of("LANG", "C"))).isEqualTo("C.UTF-8|32");
        assertThat(run(Map.of("LANG", "de_DE.UTF-8", "LC_ALL", "POSIX"))).isEqualTo("C.UTF-8|32");
    }

    @Test
    void whatTheUserSetStands() throws Exception {
        assertThat(run(Map.of("LC_ALL", "de_DE.UTF-8"))).isEqualTo("de_DE.UTF-8|32");
        assertThat(run(Map.of("LANG", "fr_FR.UTF-8"))).isEqualTo("|32");
        assertThat(run(Map.of("LC_ALL", "de_DE.UTF-8", "LRU_CACHE_CAPACITY", "64")))
                .isEqualTo("de_DE.UTF-8|64");
    }
}

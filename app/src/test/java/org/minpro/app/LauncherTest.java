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
        script(
                "tools/locale",
                "case ${LC_ALL-} in xx*) echo 'locale: Cannot set LC_ALL to default locale' >&2 ;; esac");
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
        return run("", environment, 0);
    }

    /** @param before shell words before the launcher's, in the same shell */
    private String run(String before, Map<String, String> environment, int code)
            throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(
                "sh",
                "-c",
                before + "exec \"$0\" objectives",
                root.resolve("minpro").toString());
        builder.environment().merge("PATH", root.resolve("tools").toString(), (path, tools) -> tools + ":" + path);
        builder.environment().keySet().removeIf(name -> name.startsWith("L"));
        builder.environment().putAll(environment);
        Process process = builder.redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isEqualTo(code);
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

    /** Java says so in a line of its own, so it is not given to one that has no use for it. */
    @Test
    void theVectorModuleIsAddedFromJava25On() throws Exception {
        script("jdk/bin/java", "echo \"$*\"");
        assertThat(run(Map.of())).contains("--add-modules jdk.incubator.vector ");
        script("bin/find-java", "echo \"24 " + root.resolve("jdk") + "\"");
        assertThat(run(Map.of())).doesNotContain("--add-modules");
    }

    @Test
    void aLocaleThatTheSystemLacksIsNamedAndReplaced() throws Exception {
        assertThat(run(Map.of("LC_ALL", "xx_YY.UTF-8")).lines())
                .containsExactly(
                        "minpro: the locale must be one that the system has (locale -a lists them), got: xx_YY.UTF-8;"
                                + " taking C.UTF-8",
                        "C.UTF-8|32");
    }

    @Test
    @DisabledOnOs({OS.WINDOWS, OS.MAC})
    void aLimitOfTheAddressSpaceIsNamed() throws Exception {
        assertThat(run("ulimit -v 4000000; ", Map.of(), 1))
                .isEqualTo(
                        "minpro: the address space must be 8000000 kB or more (better unlimited: ulimit -v unlimited),"
                                + " got: ulimit -v 4000000");
    }

    @Test
    void aBuildWithoutNetworkOrDiskSaysSoInOneLine() throws Exception {
        Files.copy(Path.of("..").resolve("bin/build").toRealPath(), script("bin/build", ""), REPLACE);
        Files.setPosixFilePermissions(root.resolve("bin/build"), PosixFilePermissions.fromString("rwxr-xr-x"));
        for (String[] failure : new String[][] {
            {"Could not transfer artifact a:b:1: Unknown host repo.example", "minpro: no network: "},
            {"java.io.IOException: No space left on device", "minpro: the disk is full: "},
            {"COMPILATION ERROR", "[ERROR] COMPILATION ERROR"}
        }) {
            Files.deleteIfExists(root.resolve("app/target/classpath"));
            script("bin/maven", "echo '[ERROR] " + failure[0] + "'; exit 1");
            assertThat(run("", Map.of(), 1).lines().filter(line -> line.startsWith(failure[1])))
                    .hasSize(1);
        }
    }
}

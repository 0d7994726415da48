package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** {@code bin/find-java} with JDKs that are nothing but a release file and empty programs: it starts none of them. */
@DisabledOnOs(OS.WINDOWS)
class FindJavaTest {
    private static final Path SCRIPT =
            Path.of(System.getProperty("basedir", "")).toAbsolutePath().resolveSibling("bin/find-java");

    @TempDir
    Path folder;

    Path home;

    @BeforeEach
    void makeHome() throws IOException {
        home = Files.createDirectory(folder.resolve("home of a user"));
    }

    @Test
    void takesTheNewestOfTheUsualFolders() throws Exception {
        jdk(".jdks/a", "97.0.2");
        Path newest = jdk(".sdkman/candidates/java/b", "99.0.1");
        jdk(".gradle/jdks/c", "98");

        assertThat(find(Map.of())).isEqualTo(new Answer(0, "99 " + newest, ""));
    }

    @Test
    void comparesVersionsAsNumbers() throws Exception {
        jdk(".jdks/a", "99.0.9");
        Path newest = jdk(".jdks/b", "99.0.10");
        jdk(".jdks/c", "99-ea");

        assertThat(find(Map.of())).isEqualTo(new Answer(0, "99 " + newest, ""));
    }

    @Test
    void prefersJavaHomeThatFits() throws Exception {
        jdk(".jdks/a", "99");
        Path chosen = jdk("chosen", "21.0.4");

        assertThat(find(Map.of("JAVA_HOME", chosen.toString()))).isEqualTo(new Answer(0, "21 " + chosen, ""));
    }

    @Test
    void looksFurtherThanAnOldJavaHome() throws Exception {
        Path newest = jdk(".jdks/a", "99");
        Path old = jdk("old", "17.0.15");

        assertThat(find(Map.of("JAVA_HOME", old.toString()))).isEqualTo(new Answer(0, "99 " + newest, ""));
    }

    @Test
    void followsLinksOfThePath() throws Exception {
        Path newest = jdk("far away/jdk", "99");
        Path links = Files.createDirectories(home.resolve("links"));
        Files.createSymbolicLink(links.resolve("target"), newest.resolve("bin/java"));
        Files.createSymbolicLink(links.resolve("java"), Path.of("target"));

        assertThat(find(Map.of("PATH", links + ":/usr/bin:/bin"))).isEqualTo(new Answer(0, "99 " + newest, ""));
    }

    @Test
    void passesOverTheVersionsThatMovePinnedArrays() throws Exception {
        Path newest = jdk(".jdks/a", "99");
        for (String version : List.of("25", "25.0.1", "25.0.2")) {
            Path moving = jdk("moving " + version, version);
            Answer answer = find(Map.of("JAVA_HOME", moving.toString()));

            assertThat(answer.output()).isEqualTo("99 " + newest);
            assertThat(answer.errors())
                    .startsWith("minpro: passed over Java " + version + " in " + moving)
                    .contains("JDK-8377811")
                    .doesNotContain("\n");
        }
        Path mended = jdk("mended", "25.0.3");
        assertThat(find(Map.of("JAVA_HOME", mended.toString()))).isEqualTo(new Answer(0, "25 " + mended, ""));
    }

    @Test
    void anOwnVariableDecidesAlone() throws Exception {
        jdk(".jdks/a", "99");
        Path own = jdk("own", "21");
        Path old = jdk("old", "17.0.15");

        assertThat(find(Map.of("MINPRO_JAVA_HOME", own.toString(), "JAVA_HOME", old.toString())))
                .isEqualTo(new Answer(0, "21 " + own, ""));

        Answer refused = find(Map.of("MINPRO_JAVA_HOME", old.toString()));
        assertThat(refused.exit()).isEqualTo(2);
        assertThat(refused.output()).isEmpty();
        assertThat(refused.errors())
                .isEqualTo("minpro: MINPRO_JAVA_HOME must name a JDK 21 or later, not 25.0.0-25.0.2, got: " + old
                        + " (17.0.15)");
    }

    @Test
    void asksForACompilerOnlyToBuild() throws Exception {
        Path complete = jdk(".jdks/a", "98");
        Path runtime = jdk(".jdks/b", "99");
        Files.delete(runtime.resolve("bin/javac"));

        assertThat(find(Map.of())).isEqualTo(new Answer(0, "99 " + runtime, ""));
        assertThat(find(Map.of(), "--compiler")).isEqualTo(new Answer(0, "98 " + complete, ""));
    }

    private Path jdk(String name, String version) throws IOException {
        Path jdk = home.resolve(name);
        Files.createDirectories(jdk.resolve("bin"));
        for (String program : List.of("java", "javac")) {
            assertThat(Files.createFile(jdk.resolve("bin").resolve(program))
                            .toFile()
                            .setExecutable(true))
                    .isTrue();
        }
        Files.writeString(
                jdk.resolve("release"), "IMPLEMENTOR=\"Test\"\nJAVA_VERSION=\"" + version + "\"\nLIBC=\"gnu\"\n");
        return jdk;
    }

    private Answer find(Map<String, String> environment, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("/bin/sh", SCRIPT.toString()));
        command.addAll(List.of(arguments));
        Path errors = folder.resolve("errors");
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(errors.toFile());
        builder.environment().clear();
        builder.environment().put("PATH", "/usr/bin:/bin");
        builder.environment().put("HOME", home.toString());
        builder.environment().putAll(environment);
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int exit = process.waitFor();
        return new Answer(exit, output.strip(), Files.readString(errors).strip());
    }

    private record Answer(int exit, String output, String errors) {}
}

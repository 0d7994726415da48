package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.model.Kernels;
import org.minpro.tensor.Cuda;
import org.minpro.tensor.Device;

/** What {@code minpro doctor} says, and what a command says that finds no vectors. */
final class DoctorCommandTest {
    @TempDir
    Path folder;

    @Test
    void saysALineOfEach() throws IOException {
        CommandLineRun run = CommandLineRun.of("doctor");
        assertThat(run.code()).isZero();
        assertThat(run.err()).isEmpty();
        assertThat(run.lines().stream()
                        .filter(line -> !line.startsWith("card "))
                        .map(line -> line.split(" ")[0]))
                .containsExactly(
                        "minpro",
                        "kernels",
                        "exact",
                        "libtorch",
                        "device",
                        "java",
                        "processors",
                        "memory",
                        "disk",
                        "caches",
                        "ports",
                        "locale");
        if (vectorsMustCompute()) {
            assertThat(run.lines().get(1)).matches("kernels     vectors of (256|512) bits");
            assertThat(run.lines().get(2))
                    .startsWith("exact       sampling and training agree in f32 to the bit, bf16 to ");
        } else if (Runtime.version().feature() < 25) {
            assertThat(run.lines().get(1))
                    .endsWith("they need Java 25 or later, this is "
                            + Runtime.version().feature());
        }
    }

    /** Read from the machine, and not asked of {@link Kernels}, which must find the same. */
    private static boolean vectorsMustCompute() throws IOException {
        return processorHasVectors()
                && Runtime.version().feature() >= 25
                && ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
                && System.getProperty("minpro.kernels", "").isEmpty()
                && !Cuda.chosen("auto").isCuda();
    }

    private static boolean processorHasVectors() throws IOException {
        Path processor = Path.of("/proc/cpuinfo");
        return System.getProperty("os.arch").equals("amd64")
                && Files.exists(processor)
                && Files.readString(processor).contains("avx2");
    }

    @Test
    void promisesNoBitsOnAGpu() {
        assertThat(DoctorCommand.exactness(Device.cuda(0)))
                .isEqualTo("sampling and training agree in f32 to rounding, bf16 to rounding");
    }

    /** Tests of equal bits are left out where there are no vectors: without this one, a lost dependency would leave out all. */
    @Test
    void thereAreVectorsWhereJavaAndTheProcessorHaveThem() throws IOException {
        assumeTrue(Runtime.version().feature() >= 25, "vectors need Java 25 or later");
        assumeTrue(processorHasVectors(), "this processor has no vectors of 256 bits, or does not say so");
        assertThat(Kernels.vectors()).as(Kernels.reason()).isTrue();
    }

    @Test
    void cachesHaveTheSizesOfTheirFiles() throws IOException {
        assertThat(MachineCaches.described(folder.resolve("cache"))).startsWith("nothing yet in ");
        Files.createDirectories(folder.resolve("cache/natives/deep"));
        Files.createDirectories(folder.resolve("cache/index"));
        Files.write(folder.resolve("cache/natives/deep/one"), new byte[1_500_000]);
        Files.write(folder.resolve("cache/natives/two"), new byte[1_000_000]);
        assertThat(MachineCaches.described(folder.resolve("cache")))
                .isEqualTo("index 0.0 MB, natives 2.5 MB in " + folder.resolve("cache"));
    }

    /** A process of its own: what computes is found once in each. */
    private List<String> withoutVectors(List<String> options, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Duser.home=" + System.getProperty("user.home")));
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output.lines().filter(line -> line.contains("vectors")).toList();
    }

    @Tag("slow")
    @Test
    void saysInOneLineThatThereAreNoVectors() throws IOException, InterruptedException {
        String model = TinyModelFolder.write(folder).toString();
        String reason = Runtime.version().feature() < 25
                ? "they need Java 25 or later, this is " + Runtime.version().feature()
                : "Java was started without --add-modules jdk.incubator.vector";
        assertThat(withoutVectors(List.of(), "generate", "--model", model, "--prompt", "1+2=", "--max-new-tokens", "3"))
                .containsExactly("computing with libtorch's operations instead of vectors, because " + reason);
        assertThat(withoutVectors(List.of("-Dminpro.kernels=libtorch"), "doctor"))
                .containsExactly("kernels     libtorch's operations instead of vectors, because"
                        + " -Dminpro.kernels=libtorch asks for it");
    }
}

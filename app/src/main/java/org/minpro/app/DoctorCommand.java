package org.minpro.app;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.minpro.model.Kernels;
import org.minpro.run.BuildVersion;
import org.minpro.run.MachineMemory;
import org.minpro.tensor.Cuda;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Engine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code minpro doctor}: what computes on this machine, or what goes wrong in a run, with evidence and what to try. */
@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        description = {
            "Says what computes on this machine, and with what; of a run, what goes wrong in it.",
            "",
            "The machine: the kernels in use and why, whether log-probabilities of sampling and training are equal to the"
                    + " bit, libtorch, the device and NVIDIA's cards, Java, processors, memory, disk, caches, ports, locale; a line each.",
            "",
            "A run, from its numbers: no signal, problems too easy or too hard, collapse of entropy or length, exploding"
                    + " ratios, responses cut off, undecided rewards, a sampler that is not the trainer's model, numbers that"
                    + " are not finite. Each finding has its evidence and what to try. minpro train says the same while it runs."
        })
final class DoctorCommand implements Callable<Integer> {
    private final Console console;

    @Parameters(
            arity = "0..1",
            paramLabel = "RUN",
            description = "A run's folder: running, finished or copied. Without it the machine is looked at.")
    private @Nullable Path run;

    DoctorCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        if (run != null) {
            RunDoctor.examine(run, console);
            return 0;
        }
        line("minpro", BuildVersion.present().toString());
        Device device = Cuda.chosen("auto");
        line("kernels", Kernels.description(device));
        line("exact", exactness(device));
        line("libtorch", Engine.kernels().replaceFirst("^libtorch ", ""));
        line("device", place(device));
        GraphicsCards.read("nvidia-smi").forEach(card -> line("card", card));
        line(
                "java",
                String.format(
                        Locale.ROOT,
                        "%s (%s) in %s, heap up to %s",
                        Runtime.version(),
                        System.getProperty("java.vendor"),
                        System.getProperty("java.home"),
                        gigabytes(Runtime.getRuntime().maxMemory())));
        line("processors", Integer.toString(Runtime.getRuntime().availableProcessors()));
        line("memory", gigabytes(MachineMemory.availableBytes()) + " can still be taken");
        line(
                "disk",
                free("cache", Engine.cacheFolder()) + "; "
                        + free("folder", Path.of("").toAbsolutePath()));
        line("caches", MachineCaches.described(Engine.cacheFolder()));
        line("ports", port("dashboard", DashboardCommand.PORT) + ", " + port("serve", ServeCommand.PORT));
        line(
                "locale",
                String.format(
                        Locale.ROOT,
                        "%s, arguments and file names in %s, files in %s",
                        Locale.getDefault().toLanguageTag(),
                        System.getProperty("sun.jnu.encoding"),
                        Charset.defaultCharset()));
        return 0;
    }

    /** How near log-probabilities of sampling and training are on a device, for each type. */
    static String exactness(Device device) {
        return Stream.of(DType.F32, DType.BF16)
                .map(type -> type.name().toLowerCase(Locale.ROOT)
                        + (Kernels.exact(device, type) ? " to the bit" : " to rounding"))
                .collect(Collectors.joining(", ", "sampling and training agree in ", ""));
    }

    /** Where {@code compute.device: auto} computes, and why not elsewhere. */
    private static String place(Device chosen) {
        return chosen.isCuda()
                ? chosen + " of " + Cuda.found().devices() + ", " + gigabytes(Cuda.freeBytes(chosen)) + " free"
                : "cpu; " + Cuda.obstacle();
    }

    private void line(String name, String text) {
        console.result(String.format(Locale.ROOT, "%-11s %s", name, text));
    }

    /** Room where a folder is or would be made. */
    private static String free(String name, Path folder) throws IOException {
        Path present = folder.toAbsolutePath();
        while (!Files.exists(present) && present.getParent() != null) {
            present = present.getParent();
        }
        return gigabytes(Files.getFileStore(present).getUsableSpace()) + " free for the " + name + " " + folder;
    }

    /** Whether a command finds its usual port free on the loopback address. */
    private static String port(String command, int port) {
        String state;
        try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            state = socket.isBound() ? "free" : "taken";
        } catch (IOException e) {
            state = "taken (--port takes another)";
        }
        return port + " for minpro " + command + " " + state;
    }

    private static String gigabytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f GB", bytes / 1e9);
    }
}

package org.minpro.tensor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.jar.JarFile;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.bytedeco.pytorch.Context;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * The torch runtime of this process: its natives, its threads and its settings.
 *
 * <p>It starts by itself with the first tensor, so a program run in an IDE is the same product as the launcher: the
 * properties that JavaCPP reads are set before its first class loads, unless the user set them.
 */
public final class Engine {
    private static final String CACHE_PROPERTY = "org.bytedeco.javacpp.cachedir";
    /** The processors that OpenBLAS 0.3 has kernels for on x86-64 and on 64-bit ARM, as its symbols name them. */
    private static final List<String> OPENBLAS_CORES = List.of(
            "SAPPHIRERAPIDS",
            "COOPERLAKE",
            "SKYLAKEX",
            "HASWELL",
            "ZEN",
            "SANDYBRIDGE",
            "NEHALEM",
            "EXCAVATOR",
            "STEAMROLLER",
            "PILEDRIVER",
            "BULLDOZER",
            "BOBCAT",
            "BARCELONA",
            "OPTERON_SSE3",
            "OPTERON",
            "ATOM",
            "NANO",
            "DUNNINGTON",
            "PENRYN",
            "CORE2",
            "PRESCOTT",
            "NEOVERSEV1",
            "NEOVERSEN2",
            "NEOVERSEN1",
            "ARMV8SVE",
            "ARMV8");

    private static volatile boolean started;
    /** Where this process computes; null while nobody has said. */
    private static volatile @Nullable Device device;

    private Engine() {}

    /** Where this process makes its models: what {@link #use} was told, else the CPU. */
    public static Device device() {
        Device told = device;
        return told == null ? Device.CPU : told;
    }

    /**
     * Says where this process computes, before the first model is opened. One process computes on one device.
     *
     * @param setting {@code auto}, {@code cpu}, {@code cuda} or {@code cuda:N}; {@code auto} stays where the process is
     * @return the device that it comes to
     * @throws IllegalArgumentException if it is not there, or another one is in use
     */
    public static synchronized Device use(String setting) {
        Device before = device;
        Device chosen = setting.equals("auto") && before != null ? before : Cuda.chosen(setting);
        String obstacle = chosen.isCuda() ? Cuda.found().obstacle(chosen) : null;
        if (obstacle != null) {
            throw new IllegalArgumentException(obstacle);
        }
        if (before != null && !chosen.equals(before)) {
            throw new IllegalArgumentException(
                    "compute.device must be " + before + ", on which this process computes, got: " + setting);
        }
        if (chosen.isCuda() && before == null) {
            Context context = torch.globalContext();
            // Products of float32 have float32's bits.
            context.setAllowTF32CuBLAS(false);
            context.setAllowTF32CuDNN(false);
            // Here what needs it asks for it (FixedOrder).
            context.setDeterministicAlgorithms(false, false);
        }
        device = chosen;
        return chosen;
    }

    /** Loads the natives and applies the engine's settings, once; later calls return at once. */
    public static void start() {
        if (!started) {
            startOnce();
        }
    }

    private static synchronized void startOnce() {
        if (started) {
            return;
        }
        // Scopes free native memory; without JavaCPP's collector thread an operation costs 1 us instead of 4.
        setDefault("org.bytedeco.javacpp.nopointergc", "true");
        // Its limit counts the whole process and calls System.gc() with sleeps near it.
        setDefault("org.bytedeco.javacpp.maxphysicalbytes", "0");
        setDefault("org.bytedeco.javacpp.maxbytes", "0");
        InstalledTorch installed = InstalledTorch.asked();
        if (installed != null) {
            installed.prepare();
        }
        boolean ownCache = System.getProperty(CACHE_PROPERTY) == null;
        if (ownCache) {
            loadFromOwnCache();
        } else {
            load();
        }
        torch.set_num_threads(1);
        if (InstalledTorch.asked() == null) {
            openblas_nolapack.blas_set_num_threads(1);
        }
        Context context = torch.globalContext();
        context.setDeterministicAlgorithms(true, true);
        context.setDeterministicFillUninitializedMemory(false);
        // On some cards it comes first where it is allowed, plans each new length for half a second, and nothing here
        // checks it.
        context.setSDPUseCuDNN(false);
        started = true;
    }

    private static void load() {
        try {
            if (InstalledTorch.asked() == null) {
                Loader.load(openblas_nolapack.class);
            }
            Loader.load(torch.class);
        } catch (UnsatisfiedLinkError e) {
            throw new IllegalStateException(
                    "libtorch must load, got: " + e.getMessage()
                            + "; with CUDA it needs the libraries of CUDA 13, cuDNN 9 and NCCL 2 (docs/gpu.md)",
                    e);
        }
    }

    /** A process that finds the natives unpacked by another takes no lock and writes nothing. */
    private static void loadFromOwnCache() {
        Path folder = cacheFolder().resolve("natives").resolve(nativesKey());
        System.setProperty(CACHE_PROPERTY, folder.toString());
        Path complete = folder.resolve("complete");
        if (Files.exists(complete)) {
            load();
            return;
        }
        try {
            Files.createDirectories(folder);
            try (FileChannel channel = FileChannel.open(
                            folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    FileLock lock = channel.lock()) {
                if (!Files.exists(complete)) {
                    System.getLogger(Engine.class.getName())
                            .log(System.Logger.Level.DEBUG, "unpacking natives into {0}", folder);
                }
                load();
                if (!Files.exists(complete)) {
                    Files.createFile(complete);
                }
                lock.release();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "the natives' cache folder must be writable, got: " + folder
                            + "; name another with the environment variable MINPRO_CACHE",
                    e);
        }
    }

    /**
     * The folder for what this machine unpacks once: {@code MINPRO_CACHE}, else the system's usual place for caches.
     */
    public static Path cacheFolder() {
        String own = System.getenv("MINPRO_CACHE");
        if (own != null && !own.isBlank()) {
            return Path.of(own);
        }
        String home = System.getProperty("user.home");
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        if (system.contains("win")) {
            String local = System.getenv("LOCALAPPDATA");
            return Path.of(local != null ? local : home, "minpro", "cache");
        }
        if (system.contains("mac")) {
            return Path.of(home, "Library", "Caches", "minpro");
        }
        String xdg = System.getenv("XDG_CACHE_HOME");
        return xdg != null && !xdg.isBlank() ? Path.of(xdg, "minpro") : Path.of(home, ".cache", "minpro");
    }

    /** Whether the natives of this class path are unpacked already. */
    public static boolean unpacked() {
        return System.getProperty(CACHE_PROPERTY) != null
                || Files.exists(
                        cacheFolder().resolve("natives").resolve(nativesKey()).resolve("complete"));
    }

    /** A hash of names, sizes, checksums and times of every native on the class path: other jars, another folder. */
    private static String nativesKey() {
        try {
            List<String> entries = new ArrayList<>();
            String platform = Loader.getPlatform();
            for (String module : List.of("pytorch", "openblas", "javacpp")) {
                String folder = "org/bytedeco/" + module + "/";
                for (URL url : Collections.list(Engine.class.getClassLoader().getResources(folder))) {
                    if (url.openConnection() instanceof java.net.JarURLConnection connection) {
                        connection.setUseCaches(false);
                        try (JarFile jar = connection.getJarFile()) {
                            jar.stream()
                                    .filter(entry -> entry.getName().startsWith(folder + platform))
                                    .forEach(entry -> entries.add(entry.getName()
                                            + ' '
                                            + entry.getSize()
                                            + ' '
                                            + entry.getCrc()
                                            + ' '
                                            + entry.getTime()));
                        }
                    }
                }
            }
            if (entries.isEmpty()) {
                throw new IllegalStateException("natives for " + platform
                        + " must be on the class path, got: none; add the dependency org.minpro:minpro-" + platform);
            }
            Collections.sort(entries);
            byte[] hash = MessageDigest.getInstance("SHA-256")
                    .digest(String.join("\n", entries).getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash, 0, 8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Kernel threads of the calling thread; {@link Workers} sets 1, a single caller may want more. */
    public static void setKernelThreads(int threads) {
        start();
        torch.set_num_threads(threads);
    }

    /** The processor features that libtorch's own kernels use, such as {@code AVX512}. */
    public static String cpuCapability() {
        start();
        return torch.get_cpu_capability().getString();
    }

    /**
     * The kernels in use, for reports: libtorch's and OpenBLAS's choices. Bitwise statements hold for one such line.
     */
    public static String kernels() {
        start();
        InstalledTorch installed = InstalledTorch.asked();
        if (installed != null) {
            return "libtorch " + cpuCapability() + ", PyTorch " + installed.version() + " in " + installed.folder();
        }
        return "libtorch " + cpuCapability() + ", OpenBLAS " + openBlasCore();
    }

    /**
     * The processor that OpenBLAS's kernels in use were written for: its table of functions, {@code gotoblas}, points to one
     * of the tables that the library has for each of them.
     */
    private static String openBlasCore() {
        Pointer table = Loader.addressof("gotoblas");
        if (table == null) {
            return "with kernels for one processor";
        }
        long used = new PointerPointer<>(table).get(0).address();
        for (String core : OPENBLAS_CORES) {
            Pointer ofCore = Loader.addressof("gotoblas_" + core);
            if (ofCore != null && ofCore.address() == used) {
                return core;
            }
        }
        return "with kernels unknown to this version";
    }

    private static void setDefault(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }
}

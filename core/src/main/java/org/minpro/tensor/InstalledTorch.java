package org.minpro.tensor;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The libtorch of a PyTorch that is installed on the machine, in place of the one in our jars: {@code MINPRO_LIBTORCH} names
 * its folder, {@code .../site-packages/torch/lib}, or is {@code python} for that of the Python on the {@code PATH}.
 *
 * <p>The JNI library of the bindings was built against another version. Before it is loaded, the symbols that it takes from
 * libtorch are looked up in the installed libraries: where one is missing that this program can come to, nothing is loaded.
 */
final class InstalledTorch {
    static final String VARIABLE = "MINPRO_LIBTORCH";

    static final String JNI = "org/bytedeco/pytorch/linux-x86_64/libjnitorch.so";

    /** C++ symbols of libtorch's namespaces. */
    private static final Pattern OF_LIBTORCH = Pattern.compile("_ZN?K?.*(2at|3c10|4c10d|5torch|6caffe2)\\d.*");

    /** Missing in 2.11, and never called: checks of sparse tensors, glog's front end, gradient buckets of DDP. */
    private static final List<String> NEVER_CALLED = List.of(
            "_ZN2at7Context30setCheckSparseTensorInvariants",
            "_ZNK2at7Context27checkSparseTensorInvariants",
            "_ZN3c1013MessageLoggerC",
            "_ZN4c10d7ReducerC");

    private static final class Holder {
        static final @Nullable InstalledTorch ASKED = of(System.getenv(VARIABLE));
    }

    private final Path folder;

    InstalledTorch(Path folder) {
        this.folder = folder;
        for (String library : List.of("libc10.so", "libtorch_cpu.so")) {
            if (!Files.isRegularFile(folder.resolve(library))) {
                throw new IllegalArgumentException(
                        VARIABLE + " must be the folder torch/lib of an installed PyTorch for Linux x86-64, got: "
                                + folder + ", which has no " + library);
            }
        }
    }

    /** What the environment asks for; null where it asks for nothing. */
    static @Nullable InstalledTorch asked() {
        return Holder.ASKED;
    }

    private static @Nullable InstalledTorch of(@Nullable String variable) {
        if (variable == null || variable.isBlank()) {
            return null;
        }
        return new InstalledTorch(variable.equals("python") ? ofPython("python3") : Path.of(variable));
    }

    /** Where a Python has its PyTorch; without importing it, which takes seconds. */
    static Path ofPython(String python) {
        String script = "import importlib.util as u; s = u.find_spec('torch');"
                + " print(s.submodule_search_locations[0] if s else '')";
        String answer = "";
        try {
            Process process = new ProcessBuilder(python, "-c", script)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            try (InputStream out = process.getInputStream()) {
                answer = new String(out.readAllBytes(), StandardCharsets.UTF_8).strip();
            }
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    VARIABLE + "=python must find a Python on the PATH, got: none called " + python
                            + "; give the folder torch/lib itself",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (answer.isEmpty()) {
            throw new IllegalArgumentException(VARIABLE + "=python must find PyTorch, got: none in the Python " + python
                    + "; activate the environment that has it, or give the folder torch/lib itself");
        }
        return Path.of(answer, "lib");
    }

    Path folder() {
        return folder;
    }

    /** Whether it has kernels for CUDA. */
    boolean hasCuda() {
        return Files.isRegularFile(folder.resolve("libtorch_cuda.so"));
    }

    /** Such as {@code 2.11.0+cu130}; empty where nothing beside the libraries says it. */
    String version() {
        Path file = folder.resolveSibling("version.py");
        try {
            Matcher version = Pattern.compile("__version__ = '([^']*)'")
                    .matcher(Files.exists(file) ? Files.readString(file) : "");
            return version.find() ? version.group(1) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Loads these libraries, and makes JavaCPP find no others of their names; refuses those that lack what is called. Those for
     * CUDA are loaded where there is a driver: they register their kernels, and nothing that follows would load them.
     */
    void prepare() {
        require(missing(jni()));
        load("libc10.so");
        load("libtorch_cpu.so");
        if (hasCuda() && Cuda.driver()) {
            load("libc10_cuda.so");
            load("libtorch_cuda.so");
        }
        System.setProperty("org.bytedeco.javacpp.pathsFirst", "true");
        String before = System.getProperty("java.library.path", "");
        System.setProperty("java.library.path", folder + (before.isEmpty() ? "" : File.pathSeparator + before));
    }

    /** Two libtorch in one process end it, so one that cannot be loaded is no reason to go on with another. */
    private void load(String library) {
        try {
            System.load(folder.toRealPath().resolve(library).toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (UnsatisfiedLinkError e) {
            throw new IllegalStateException(
                    VARIABLE + " must be a libtorch that loads, got: " + e.getMessage()
                            + "; install PyTorch with all that it depends on",
                    e);
        }
    }

    /** @throws IllegalArgumentException if anything is missing, with a name */
    void require(Set<String> missing) {
        if (!missing.isEmpty()) {
            throw new IllegalArgumentException(
                    VARIABLE + " must be a libtorch that has what MinPRO calls (2.10 and 2.11 do),"
                            + " got: PyTorch " + version() + " in " + folder + ", which lacks "
                            + (missing.size() == 1 ? "" : missing.size() + " functions, such as ")
                            + missing.stream()
                                    .map(InstalledTorch::readable)
                                    .sorted()
                                    .findFirst()
                                    .orElseThrow());
        }
    }

    /**
     * Symbols that are taken from libtorch, can be called, and are not here.
     *
     * @param library that takes them
     */
    Set<String> missing(ByteBuffer library) {
        Set<String> missing = new TreeSet<>(ElfSymbols.of(library).undefined());
        missing.removeIf(symbol ->
                !OF_LIBTORCH.matcher(symbol).matches() || NEVER_CALLED.stream().anyMatch(symbol::startsWith));
        for (String name : List.of("libtorch_cpu.so", "libc10.so")) {
            missing.removeAll(ElfSymbols.of(folder.resolve(name)).defined());
        }
        return missing;
    }

    private static ByteBuffer jni() {
        try (InputStream in = InstalledTorch.class.getClassLoader().getResourceAsStream(JNI)) {
            if (in == null) {
                throw new IllegalStateException("with " + VARIABLE
                        + " the bindings' library must be on the class path, got: none; add the dependency"
                        + " org.minpro:minpro-linux-x86_64-torch");
            }
            return ByteBuffer.wrap(in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The name in a mangled symbol, without its parameters: {@code at::Context::name}. */
    static String readable(String symbol) {
        Matcher nested = Pattern.compile("_ZN?K?").matcher(symbol);
        int at = nested.lookingAt() ? nested.end() : symbol.length();
        StringBuilder name = new StringBuilder();
        while (at < symbol.length() && Character.isDigit(symbol.charAt(at))) {
            int end = at;
            while (Character.isDigit(symbol.charAt(end))) {
                end++;
            }
            int stop = Math.min(symbol.length(), end + Integer.parseInt(symbol.substring(at, end)));
            name.append(name.isEmpty() ? "" : "::").append(symbol, end, stop);
            at = stop;
        }
        return name.isEmpty() ? symbol : name.toString();
    }
}

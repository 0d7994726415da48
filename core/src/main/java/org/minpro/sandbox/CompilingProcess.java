package org.minpro.sandbox;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** The parent's side of {@link SourceCompiler}: starts it when it is needed, and again where it had to be ended. */
final class CompilingProcess implements AutoCloseable {
    private static final double COMPILE_SECONDS = 20;

    private final Path empty;
    private @Nullable Process process;
    private @Nullable DataInputStream in;
    private @Nullable DataOutputStream out;

    CompilingProcess() throws IOException {
        empty = Files.createTempDirectory("minpro-empty");
    }

    /**
     * What became of a program.
     *
     * @param classes bytes by name; none where it failed
     * @param failure the first error, or nothing
     */
    record Compiled(Map<String, byte[]> classes, String failure) {}

    synchronized Compiled compile(Map<String, String> sources) throws IOException, InterruptedException {
        if (process == null || !process.isAlive()) {
            start();
        }
        FutureTask<Compiled> task = new FutureTask<>(() -> exchange(sources));
        Thread thread = new Thread(task, "minpro-compile");
        thread.setDaemon(true);
        thread.start();
        try {
            return task.get((long) (COMPILE_SECONDS * 1e3), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            end();
            return new Compiled(Map.of(), "takes longer than " + (int) COMPILE_SECONDS + " s to compile");
        } catch (ExecutionException e) {
            // Most often it ran out of memory: what it was given is at fault.
            end();
            return new Compiled(Map.of(), "the compiler ended while it compiled this");
        } catch (InterruptedException e) {
            end();
            throw e;
        }
    }

    private Compiled exchange(Map<String, String> sources) throws IOException {
        DataOutputStream to = Objects.requireNonNull(out);
        DataInputStream from = Objects.requireNonNull(in);
        to.writeInt(sources.size());
        for (Map.Entry<String, String> source : sources.entrySet()) {
            byte[] bytes = source.getValue().getBytes(StandardCharsets.UTF_8);
            to.writeUTF(source.getKey());
            to.writeInt(bytes.length);
            to.write(bytes);
        }
        to.flush();
        if (!from.readBoolean()) {
            return new Compiled(Map.of(), from.readUTF());
        }
        Map<String, byte[]> classes = new LinkedHashMap<>();
        int count = from.readInt();
        for (int i = 0; i < count; i++) {
            String name = from.readUTF();
            classes.put(name, from.readNBytes(from.readInt()));
        }
        return new Compiled(classes, "");
    }

    private void start() throws IOException {
        Path ours;
        try {
            ours = Path.of(SourceCompiler.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IOException(e);
        }
        Process started = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx256m",
                        "-Xss4m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        ours.toString(),
                        SourceCompiler.class.getName(),
                        empty.toString()))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        process = started;
        in = new DataInputStream(started.getInputStream());
        out = new DataOutputStream(started.getOutputStream());
    }

    private void end() {
        if (process != null) {
            process.destroyForcibly();
            process = null;
        }
    }

    @Override
    public synchronized void close() {
        end();
        try {
            Files.deleteIfExists(empty);
        } catch (IOException e) {
            // An empty folder of the system's temporary ones may stay.
        }
    }
}

package org.minpro.sandbox;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** The parent's side of {@link SourceCompiler}: starts it when it is needed, and again where it had to be ended. */
final class CompilingProcess implements AutoCloseable {
    private static final double COMPILE_SECONDS = 20;

    private @Nullable Child child;

    /**
     * What became of a program.
     *
     * @param classes bytes by name; none where it failed
     * @param failure the first error, or nothing
     */
    record Compiled(Map<String, byte[]> classes, String failure) {}

    /**
     * Compiles a program.
     *
     * @throws IOException if the process does not start, or ends while it compiles: it answers whatever the program brings up,
     *     running out of memory too
     */
    synchronized Compiled compile(Map<String, String> sources) throws IOException, InterruptedException {
        try {
            return attempt(sources);
        } catch (IOException e) {
            // It may have been idle for too long just now, or the system may have ended it.
            return attempt(sources);
        }
    }

    private Compiled attempt(Map<String, String> sources) throws IOException, InterruptedException {
        if (child == null || !child.process.isAlive()) {
            child = new Child();
        }
        Child asked = child;
        FutureTask<Compiled> task = new FutureTask<>(() -> asked.exchange(sources));
        Thread thread = new Thread(task, "minpro-compile");
        thread.setDaemon(true);
        thread.start();
        boolean answered = false;
        try {
            Compiled compiled = task.get((long) (COMPILE_SECONDS * 1e3), TimeUnit.MILLISECONDS);
            answered = true;
            return compiled;
        } catch (TimeoutException e) {
            if (!asked.begun) {
                throw new IOException("no compiler within " + (int) COMPILE_SECONDS + " s", e);
            }
            return new Compiled(Map.of(), "takes longer than " + (int) COMPILE_SECONDS + " s to compile");
        } catch (ExecutionException e) {
            throw new IOException("the compiler ended: " + e.getCause(), e.getCause());
        } finally {
            if (!answered) {
                end();
            }
        }
    }

    private void end() {
        if (child != null) {
            child.process.destroyForcibly();
            child = null;
        }
    }

    @Override
    public synchronized void close() {
        end();
    }

    /** The process, with the two ends of its pipes. */
    private static final class Child {
        private final Process process;
        private final DataInputStream in;
        private final DataOutputStream out;
        private volatile boolean begun;

        Child() throws IOException {
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
            process = new ProcessBuilder(List.of(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-Xmx256m",
                            "-Xss4m",
                            "-XX:+UseSerialGC",
                            "-XX:TieredStopAtLevel=1",
                            "-cp",
                            ours.toString(),
                            SourceCompiler.class.getName()))
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            in = new DataInputStream(process.getInputStream());
            out = new DataOutputStream(process.getOutputStream());
        }

        Compiled exchange(Map<String, String> sources) throws IOException {
            if (!begun) {
                in.readByte();
                begun = true;
            }
            out.writeInt(sources.size());
            for (Map.Entry<String, String> source : sources.entrySet()) {
                byte[] bytes = source.getValue().getBytes(StandardCharsets.UTF_8);
                out.writeUTF(source.getKey());
                out.writeInt(bytes.length);
                out.write(bytes);
            }
            out.flush();
            if (!in.readBoolean()) {
                return new Compiled(Map.of(), in.readUTF());
            }
            Map<String, byte[]> classes = new LinkedHashMap<>();
            int count = in.readInt();
            for (int i = 0; i < count; i++) {
                String name = in.readUTF();
                classes.put(name, in.readNBytes(in.readInt()));
            }
            return new Compiled(classes, "");
        }
    }
}

package org.minpro.sandbox;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Writer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.StandardLocation;
import javax.tools.ToolProvider;

/**
 * A process that compiles what it reads from standard input, in memory, one program after the other: javac is quick only once
 * it is warm. It runs nothing of what it compiles. Its parent ends it where a program takes too long.
 *
 * <p>It writes a byte once it runs. A program is a count and, of each class, its name and source; the answer is a word of
 * success, a count and, of each class, its name and bytes; or a word of failure and a message. It depends on the JDK alone.
 */
public final class SourceCompiler {
    /** With nothing to do for so long it ends. */
    private static final long IDLE_NANOS = 120_000_000_000L;

    private static final List<String> OPTIONS =
            List.of("-proc:none", "-implicit:none", "-Xlint:none", "-g:none", "-nowarn", "-Xmaxerrs", "3");

    private SourceCompiler() {}

    /**
     * @param arguments none
     * @throws IOException if the parent has gone
     */
    public static void main(String[] arguments) throws IOException {
        DataInputStream in = new DataInputStream(System.in);
        OutputStream raw = System.out;
        // Nothing but answers goes there.
        System.setOut(System.err);
        DataOutputStream out = new DataOutputStream(raw);
        JavaCompiler compiler = Objects.requireNonNull(ToolProvider.getSystemJavaCompiler(), "a JDK");
        out.writeByte(0);
        out.flush();
        AtomicLong used = new AtomicLong(System.nanoTime());
        Thread watch = new Thread(() -> endWhenIdle(used), "idle");
        watch.setDaemon(true);
        watch.start();
        while (true) {
            Map<String, String> sources = new LinkedHashMap<>();
            try {
                int count = in.readInt();
                for (int i = 0; i < count; i++) {
                    String name = in.readUTF();
                    sources.put(name, new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8));
                }
            } catch (EOFException e) {
                return;
            }
            used.set(System.nanoTime());
            answer(compiler, sources, out);
            out.flush();
        }
    }

    private static void endWhenIdle(AtomicLong used) {
        while (System.nanoTime() - used.get() < IDLE_NANOS) {
            try {
                Thread.sleep(1000);
            } catch (InterruptedException e) {
                return;
            }
        }
        Runtime.getRuntime().halt(0);
    }

    private static void answer(JavaCompiler compiler, Map<String, String> sources, DataOutputStream out)
            throws IOException {
        Map<String, byte[]> classes = new LinkedHashMap<>();
        String failure;
        try {
            failure = compile(compiler, sources, classes);
        } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
            failure = "the compiler gave up: " + e.getClass().getSimpleName();
        }
        out.writeBoolean(failure.isEmpty());
        if (!failure.isEmpty()) {
            out.writeUTF(failure.substring(0, Math.min(2000, failure.length())));
            return;
        }
        out.writeInt(classes.size());
        for (Map.Entry<String, byte[]> compiled : classes.entrySet()) {
            out.writeUTF(compiled.getKey());
            out.writeInt(compiled.getValue().length);
            out.write(compiled.getValue());
        }
    }

    /** The first errors, or nothing. */
    private static String compile(JavaCompiler compiler, Map<String, String> sources, Map<String, byte[]> classes)
            throws IOException {
        DiagnosticCollector<JavaFileObject> diagnostics = new DiagnosticCollector<>();
        List<JavaFileObject> units = new ArrayList<>();
        sources.forEach((name, source) -> units.add(new Source(name, source)));
        StandardJavaFileManager installed = compiler.getStandardFileManager(diagnostics, Locale.ROOT, null);
        // This process's own classes are not for programs.
        installed.setLocation(StandardLocation.CLASS_PATH, List.of());
        try (JavaFileManager files = new InMemory(installed, classes)) {
            boolean compiled = compiler.getTask(Writer.nullWriter(), files, diagnostics, OPTIONS, null, units)
                    .call();
            if (compiled) {
                return "";
            }
        }
        return diagnostics.getDiagnostics().stream()
                .filter(diagnostic -> diagnostic.getKind() == Diagnostic.Kind.ERROR)
                .findFirst()
                .map(error ->
                        (error.getSource() == null ? "" : error.getSource().getName() + ":")
                                + error.getLineNumber()
                                + ": "
                                + error.getMessage(Locale.ROOT).replaceAll("\\s+", " "))
                .orElse("does not compile");
    }

    /** A source as a file. */
    private static final class Source extends SimpleJavaFileObject {
        private final String name;
        private final String text;

        Source(String name, String text) {
            super(URI.create("string:///" + name.replace('.', '/') + Kind.SOURCE.extension), Kind.SOURCE);
            this.name = name;
            this.text = text;
        }

        @Override
        public String getName() {
            return name;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }

    /** Keeps classes in memory. */
    private static final class InMemory extends ForwardingJavaFileManager<JavaFileManager> {
        private final Map<String, byte[]> classes;

        InMemory(JavaFileManager files, Map<String, byte[]> classes) {
            super(files);
            this.classes = classes;
        }

        @Override
        public JavaFileObject getJavaFileForOutput(
                Location location, String className, JavaFileObject.Kind kind, FileObject sibling) {
            return new SimpleJavaFileObject(
                    URI.create("memory:///" + className.replace('.', '/') + kind.extension), kind) {
                @Override
                public OutputStream openOutputStream() {
                    return new ByteArrayOutputStream() {
                        @Override
                        public void close() {
                            classes.put(className, toByteArray());
                        }
                    };
                }
            };
        }
    }
}

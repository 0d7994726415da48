package org.minpro.sandbox;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;

/**
 * Compiles Java that nobody has read and runs it against tests, each time in a new JVM with limits, a folder of its own and
 * what {@link Isolation} found.
 *
 * <p>This keeps a policy's programs from the network, from the trainer's memory and, with namespaces, from the user's folders and
 * from outliving their time. It is no defence against somebody who means harm: the kernel is shared, and a program that
 * searches its own heap may find what its tests expect.
 *
 * <p>Used by several threads at once.
 */
public final class JavaSandbox implements AutoCloseable {
    /** Longest program, characters. */
    public static final int LONGEST_SOURCE = 20_000;

    /** Reports are short; what is beyond is a program that writes without end. */
    private static final int MOST_OUTPUT = 1 << 20;

    private static final long LAST_OUTPUT_MILLIS = 5000;

    private static final String CLASSES = "program.jar";

    private final SandboxLimits limits;
    private final Isolation isolation;
    private final CompilingProcess compiler = new CompilingProcess();
    private final Semaphore processes;
    private final SecureRandom random = new SecureRandom();

    /** @throws IllegalStateException if there is no compiler, as in a JRE */
    public JavaSandbox(SandboxLimits limits, Isolation isolation) {
        if (ToolProvider.getSystemJavaCompiler() == null) {
            throw new IllegalStateException("programs must be compiled by a JDK, got: a JRE, "
                    + System.getProperty("java.home") + "; start with a JDK's java");
        }
        this.limits = limits;
        this.isolation = isolation;
        this.processes = new Semaphore(limits.processes(), true);
    }

    /**
     * What a program did.
     *
     * @param compiled whether it compiled with its tests
     * @param failures what went wrong, by test; null for a test that passed
     * @param reason the first thing that went wrong, in a few words; nothing where all tests passed
     */
    public record Outcome(boolean compiled, List<@Nullable String> failures, String reason) {
        /** Tests that passed. */
        public long passed() {
            return failures.stream().filter(failure -> failure == null).count();
        }
    }

    /**
     * Runs a program against tests.
     *
     * @param program a class {@code Solution}, or members of one, such as methods; {@code java.util} is imported
     * @param tests Java statements, such as {@code assertEquals(8, f(2, 3));}, that stand in the program and see JUnit's
     *     assertions; each is a test
     * @throws IOException if a process could not be started, or the system ended it before it came to the program
     */
    public Outcome run(String program, List<String> tests) throws IOException, InterruptedException {
        if (program.length() > LONGEST_SOURCE) {
            return notCompiled(tests, "longer than " + LONGEST_SOURCE + " characters");
        }
        String secret = HexFormat.of().formatHex(randomBytes());
        Map<String, String> sources = new LinkedHashMap<>();
        sources.put(TestedProgram.NAME, TestedProgram.source(program, tests, secret));
        sources.put("Check" + secret, Assertions.source("Check" + secret));
        CompilingProcess.Compiled compiled = compiler.compile(sources);
        if (!compiled.failure().isEmpty()) {
            return notCompiled(tests, compiled.failure().replace(secret, ""));
        }
        processes.acquire();
        try {
            try (ProgramFolder folder = new ProgramFolder()) {
                write(compiled.classes(), folder.path().resolve(CLASSES));
                return execute(folder.path(), secret, tests.size());
            }
        } finally {
            processes.release();
        }
    }

    private static Outcome notCompiled(List<String> tests, String reason) {
        List<@Nullable String> failures = new ArrayList<>();
        tests.forEach(test -> failures.add(reason));
        return new Outcome(false, failures, reason);
    }

    private byte[] randomBytes() {
        byte[] bytes = new byte[12];
        random.nextBytes(bytes);
        return bytes;
    }

    /** An archive takes classes of any name; a folder takes those that can be files. */
    private static void write(Map<String, byte[]> classes, Path archive) throws IOException {
        Map<String, byte[]> entries = new LinkedHashMap<>(classes);
        try (InputStream in = Objects.requireNonNull(TestHarness.class.getResourceAsStream("TestHarness.class"))) {
            entries.put(TestHarness.class.getName(), in.readAllBytes());
        }
        try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(archive))) {
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                out.putNextEntry(new ZipEntry(entry.getKey().replace('.', '/') + ".class"));
                out.write(entry.getValue());
            }
        }
    }

    private Outcome execute(Path folder, String secret, int count) throws IOException, InterruptedException {
        String word = HexFormat.of().formatHex(randomBytes());
        List<String> java = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + limits.heapMegabytes() + "m",
                "-Xss512k",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-XX:ReservedCodeCacheSize=24m",
                "-XX:CompressedClassSpaceSize=32m",
                "-XX:-UsePerfData",
                "-XX:-CreateCoredumpOnCrash",
                "-Xshare:auto",
                "-Djava.io.tmpdir=" + folder,
                "-cp",
                folder.resolve(CLASSES).toString(),
                TestHarness.class.getName(),
                TestedProgram.NAME,
                String.valueOf(count),
                secret);
        ProcessBuilder builder = new ProcessBuilder(isolation.command(java, folder, limits.shell()))
                .directory(folder.toFile())
                .redirectErrorStream(true);
        // Whatever secrets the trainer's environment has.
        builder.environment().keySet().removeIf(name -> !name.equals("PATH") && !name.equals("LANG"));
        Process process = builder.start();
        Reports reports = new Reports(process.getInputStream(), word, count);
        Thread reader = new Thread(reports, "minpro-sandbox-output");
        reader.setDaemon(true);
        reader.start();
        boolean ended;
        try {
            try {
                process.getOutputStream().write((word + "\n").getBytes(StandardCharsets.UTF_8));
                // It stays open: a program whose parent has gone is told by its end.
                process.getOutputStream().flush();
            } catch (IOException e) {
                // It has ended before it read: its exit says why.
            }
            ended = waitFor(process, reports);
            if (ended) {
                // What it wrote last may still be in the pipe, which killing closes.
                reader.join(LAST_OUTPUT_MILLIS);
            }
        } finally {
            kill(process);
        }
        reader.join(LAST_OUTPUT_MILLIS);
        if (!reports.begun()) {
            // The program has not been touched yet: whatever it was, the program did not do it.
            throw new IOException((ended ? "exit code " + process.exitValue() : stopped(reports)) + " before it began"
                    + reports.said());
        }
        return reports.outcome(ended ? "ended before its tests, exit code " + process.exitValue() : stopped(reports));
    }

    private String stopped(Reports reports) {
        return reports.tooMuch ? "writes too much" : "takes longer than " + limits.wallSeconds() + " s";
    }

    private boolean waitFor(Process process, Reports reports) throws InterruptedException {
        long end = System.nanoTime() + (long) (limits.wallSeconds() * 1e9);
        while (System.nanoTime() < end && !reports.tooMuch) {
            if (process.waitFor(20, TimeUnit.MILLISECONDS)) {
                return true;
            }
        }
        return false;
    }

    /** With a process namespace its first process takes all others along; without, those that are known are ended one by one. */
    private static void kill(Process process) throws InterruptedException {
        List<ProcessHandle> descendants = process.descendants().toList();
        process.destroyForcibly();
        descendants.forEach(ProcessHandle::destroyForcibly);
        process.waitFor();
    }

    @Override
    public void close() {
        compiler.close();
    }

    /** Reads what the harness reports; lines without its word are others' and say nothing of the tests. */
    private static final class Reports implements Runnable {
        private static final int MOST_SAID = 300;

        private final InputStream output;
        private final String word;
        private final @Nullable String[] outcomes;
        private final StringBuilder said = new StringBuilder();
        private boolean begun;
        private volatile boolean tooMuch;

        Reports(InputStream output, String word, int count) {
            this.output = output;
            this.word = word;
            this.outcomes = new @Nullable String[count];
        }

        @Override
        public void run() {
            StringBuilder line = new StringBuilder();
            int read = 0;
            try {
                for (int b = output.read(); b >= 0; b = output.read()) {
                    if (++read > MOST_OUTPUT) {
                        tooMuch = true;
                        return;
                    }
                    if (b == '\n') {
                        take(line.toString());
                        line.setLength(0);
                    } else {
                        line.append((char) b);
                    }
                }
            } catch (IOException e) {
                // The process was killed.
            }
        }

        private synchronized void take(String line) {
            String[] parts = line.split(" ", 3);
            if (line.equals(TestHarness.begun(word))) {
                begun = true;
            } else if (parts.length == 3 && parts[0].equals(word)) {
                outcomes[Integer.parseInt(parts[1])] = parts[2];
            } else if (!begun && said.length() < MOST_SAID) {
                said.append(said.isEmpty() ? ": " : " ").append(line, 0, Math.min(line.length(), MOST_SAID));
            }
        }

        /** Whether the harness came to the tests. */
        synchronized boolean begun() {
            return begun;
        }

        /** What the shell and the JVM said before. */
        synchronized String said() {
            return said.toString();
        }

        /** @param missing what is said of tests that have no report */
        synchronized Outcome outcome(String missing) {
            List<@Nullable String> failures = new ArrayList<>();
            String first = "";
            for (String outcome : outcomes) {
                String failure = outcome == null ? missing : outcome.equals("pass") ? null : outcome.substring(5);
                failures.add(failure);
                first = first.isEmpty() && failure != null ? failure : first;
            }
            return new Outcome(true, failures, first);
        }
    }
}

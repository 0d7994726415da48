package org.minpro.app;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.IntSupplier;

/**
 * The streams of a command: results go to {@code out} and nothing else does.
 *
 * @param in what {@code --input -} reads
 * @param out results, UTF-8, lines ended by a line feed on every system
 * @param err everything that is said to a person
 * @param terminal whether {@code err} is a terminal, on which a line can be written over
 * @param width columns of that terminal, now; elsewhere those of a usual one
 */
record Console(InputStream in, PrintStream out, PrintStream err, boolean terminal, IntSupplier width) {
    /** Streams that go to no window of a known width. */
    Console(InputStream in, PrintStream out, PrintStream err, boolean terminal) {
        this(in, out, err, terminal, () -> TerminalWidth.USUAL);
    }

    /** The streams of this process. */
    static Console ofProcess() {
        boolean terminal = errorsGoToATerminal();
        return new Console(
                System.in,
                new PrintStream(
                        new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16),
                        false,
                        StandardCharsets.UTF_8),
                new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8),
                terminal,
                terminal ? new TerminalWidth() : () -> TerminalWidth.USUAL);
    }

    /** Writes a line of results. */
    void result(String line) {
        out.print(line);
        out.print('\n');
    }

    /** Says something to a person. */
    void say(String line) {
        err.print(line);
        err.print('\n');
        err.flush();
    }

    /**
     * Hands over what was written.
     *
     * @throws IllegalStateException if nobody reads it any more, as after {@code | head}
     */
    void flush() {
        if (out.checkError()) {
            throw new IllegalStateException("stdout must take the results, got: a closed pipe or a full disk");
        }
    }

    /**
     * Java does not say whether stderr is a terminal: the launcher does, with {@code minpro.terminal}. Without it Linux is
     * asked, and elsewhere a line for each step suits every stream.
     */
    private static boolean errorsGoToATerminal() {
        if ("dumb".equals(System.getenv("TERM"))) {
            return false;
        }
        String said = System.getProperty("minpro.terminal");
        if (said != null) {
            return said.equals("true");
        }
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }
}

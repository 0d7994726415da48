package org.minpro.app;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.LongSupplier;
import org.minpro.run.MachineMemory;

/**
 * A command line run in this process with captured streams.
 *
 * @param code the exit code
 * @param out what was written to stdout
 * @param err what was written to stderr
 */
record CommandLineRun(int code, String out, String err) {
    static CommandLineRun of(String... arguments) {
        return withInput("", arguments);
    }

    static CommandLineRun withInput(String input, String... arguments) {
        return run(input, MachineMemory::availableBytes, arguments);
    }

    /** As on a machine that has so many bytes left. */
    static CommandLineRun withMemory(LongSupplier bytes, String... arguments) {
        return run("", bytes, arguments);
    }

    private static CommandLineRun run(String input, LongSupplier memory, String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Console console = new Console(
                new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                new PrintStream(out, false, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                false);
        int code = Main.run(console, memory, arguments);
        console.out().flush();
        return new CommandLineRun(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    List<String> lines() {
        return out.lines().toList();
    }

    List<String> errors() {
        return err.lines().toList();
    }
}

package org.minpro.app;

import java.nio.file.Path;
import org.minpro.data.JsonlReader;
import picocli.CommandLine.Option;

/** Where a command's JSONL input comes from. */
final class InputOptions {
    @Option(
            names = "--input",
            required = true,
            paramLabel = "F",
            description = "JSONL file to read, one JSON object a line; - for stdin.")
    private String input = "-";

    JsonlReader open(Console console) {
        return open(input, console);
    }

    static JsonlReader open(String input, Console console) {
        return input.equals("-") ? new JsonlReader("<stdin>", console.in()) : JsonlReader.open(Path.of(input));
    }
}

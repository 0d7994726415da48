package org.minpro.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Commands of {@code minpro} on a cluster, such as the benchmarks of many models: {@code spark-submit --class
 * org.minpro.spark.CommandsOnSpark ... commands.txt results}.
 *
 * <p>Each line of the file is a command, without the word {@code minpro}, and an ordinary job of one task. Its standard output
 * becomes {@code NUMBER.out} and its standard error is appended to {@code NUMBER.log} in the folder of results, numbered as the
 * commands are, from 1. What they write to standard output is written here too, in their order, once all have ended.
 */
public final class CommandsOnSpark {
    /** A word, or one between quotation marks. */
    private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|'([^']*)'|(\\S+)");

    private static final int USAGE = 2;

    private CommandsOnSpark() {}

    /** @param arguments the file of commands, and the folder of results, on a disk that all machines see */
    public static void main(String[] arguments) throws InterruptedException {
        int code;
        try {
            if (arguments.length != 2) {
                throw new IllegalArgumentException("a file of commands and a folder of results must be given, got: "
                        + arguments.length + " arguments");
            }
            code = run(Path.of(arguments[0]), Path.of(arguments[1]));
        } catch (IllegalArgumentException e) {
            System.err.println("minpro: " + e.getMessage());
            code = USAGE;
        }
        if (code != 0) {
            System.exit(code);
        }
    }

    private static int run(Path file, Path results) throws InterruptedException {
        List<List<String>> commands = commands(file);
        try {
            Files.createDirectories(results);
        } catch (IOException e) {
            throw new UncheckedIOException("the folder of results must be one that can be made, got: " + results, e);
        }
        int failed = 0;
        List<Future<Integer>> codes = new ArrayList<>();
        try (CommandJobs jobs = CommandJobs.open("minpro commands");
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < commands.size(); i++) {
                List<String> command = commands.get(i);
                Path out = results.resolve((i + 1) + ".out");
                Path log = results.resolve((i + 1) + ".log");
                codes.add(threads.submit(() -> jobs.run(
                        "minpro " + String.join(" ", command), ShippedJars.COMMAND, command, out, log, line -> {})));
            }
            for (int i = 0; i < commands.size(); i++) {
                String said;
                try {
                    int code = codes.get(i).get();
                    said = code == 0
                            ? ""
                            : "exit code " + code + ", after saying: "
                                    + MinproProcess.lastLine(results.resolve((i + 1) + ".log"));
                    Files.readAllLines(results.resolve((i + 1) + ".out")).forEach(System.out::println);
                } catch (ExecutionException | IOException e) {
                    said = String.valueOf(e.getMessage());
                }
                if (!said.isEmpty()) {
                    failed++;
                    System.err.println("failed: minpro " + String.join(" ", commands.get(i)) + ": " + said);
                }
            }
        }
        System.err.println(commands.size() - failed + " of " + commands.size() + " commands are done, in " + results);
        return failed == 0 ? 0 : 1;
    }

    /** The commands of a file; what begins with # is none. */
    static List<List<String>> commands(Path file) {
        try {
            List<List<String>> commands = Files.readAllLines(file).stream()
                    .map(String::strip)
                    .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                    .map(CommandsOnSpark::words)
                    .toList();
            if (commands.isEmpty()) {
                throw new IllegalArgumentException("a file of commands must have one, got: none in " + file);
            }
            return commands;
        } catch (IOException e) {
            throw new IllegalArgumentException("a file of commands must be readable, got: " + file, e);
        }
    }

    private static List<String> words(String line) {
        List<String> words = new ArrayList<>();
        Matcher matcher = WORD.matcher(line);
        while (matcher.find()) {
            for (int group = 1; group <= matcher.groupCount(); group++) {
                String word = matcher.group(group);
                if (word != null) {
                    words.add(word);
                }
            }
        }
        return words;
    }
}

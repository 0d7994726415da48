package org.minpro.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.minpro.data.Dataset;
import org.minpro.data.DatasetSource;
import org.minpro.data.RowMapping;

/**
 * How long a run takes to read a large JSONL file; {@code -Xmx300m} shows that it needs no more heap.
 *
 * <p>{@code LargeData FILE MEGABYTES}: writes the file where there is none, with word problems of some 500 bytes a row; reads
 * it, splits it and draws a thousand problems, as a run does.
 */
public final class LargeData {
    private LargeData() {}

    public static void main(String[] args) {
        if (args.length != 2) {
            System.err.println("usage: LargeData FILE MEGABYTES");
            System.exit(2);
        }
        Path file = Path.of(args[0]);
        write(file, Long.parseLong(args[1]) * 1_000_000);
        long start = System.nanoTime();
        Dataset all = Dataset.read(List.of(file), RowMapping.of("question", "answer"), (read, bytes) -> {});
        say("read " + all.size() + " rows", start);
        start = System.nanoTime();
        Dataset.Split split = all.split(0.1, 0);
        say("split into " + split.train().size() + " and " + split.heldOut().size(), start);
        start = System.nanoTime();
        DatasetSource source = new DatasetSource(split.train(), 1);
        long characters = 0;
        for (long draw = 0; draw < 1000; draw++) {
            characters += source.problem(draw).identity().length();
        }
        say("drew 1000 problems of " + characters + " characters", start);
    }

    private static void write(Path file, long bytes) {
        if (Files.exists(file)) {
            return;
        }
        try (Writer writer = Files.newBufferedWriter(file)) {
            long written = 0;
            for (int i = 0; written < bytes; i++) {
                StringBuilder question = new StringBuilder();
                for (int part = 0; part < 3; part++) {
                    question.append("A farmer brings ")
                            .append(i)
                            .append(" crates of apples to the market, and each crate holds ")
                            .append(part + 7)
                            .append(" apples. On the way ")
                            .append(i % 97)
                            .append(" of them fall off the cart. ");
                }
                String line = "{\"question\":\"" + question + "How many are left?\",\"answer\":" + (i * 24L - i % 97)
                        + ",\"source\":\"made\"}\n";
                writer.write(line);
                written += line.length();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void say(String what, long start) {
        System.out.printf(Locale.ROOT, "%s in %.1f s%n", what, (System.nanoTime() - start) / 1e9);
    }
}

package org.minpro.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.minpro.data.Dataset;
import org.minpro.data.DatasetSource;
import org.minpro.data.RowMapping;

/**
 * How long a run takes to read large JSONL files; {@code -Xmx300m} shows that it needs no more heap.
 *
 * <p>{@code LargeData MEGABYTES FILE…}: writes each file that is not there, with word problems of some 500 bytes a row,
 * MEGABYTES in all; reads each as a source of its own, joins them, splits them, draws a thousand problems and hashes the
 * files, as a run does.
 */
public final class LargeData {
    private LargeData() {}

    public static void main(String[] args) {
        if (args.length < 2) {
            System.err.println("usage: LargeData MEGABYTES FILE…");
            System.exit(2);
        }
        List<Path> files = Stream.of(args).skip(1).map(Path::of).toList();
        for (int number = 0; number < files.size(); number++) {
            write(files.get(number), number * 100_000_000, Long.parseLong(args[0]) * 1_000_000 / files.size());
        }
        long began = System.nanoTime();
        long start = began;
        List<Dataset> sources = files.stream()
                .map(file ->
                        Dataset.read(List.of(file), RowMapping.of("question", "answer"), (pass, done, count) -> {}))
                .toList();
        say("read", start);
        start = System.nanoTime();
        Dataset all = Dataset.join(sources, (pass, done, count) -> {});
        say("joined to " + all.size() + " rows", start);
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
        start = System.nanoTime();
        files.forEach(LargeData::hash);
        say("hashed", start);
        say("all", began);
    }

    private static void hash(Path file) {
        byte[] buffer = new byte[1 << 16];
        try (InputStream in = new DigestInputStream(Files.newInputStream(file), MessageDigest.getInstance("SHA-256"))) {
            while (in.read(buffer) >= 0) {
                // The stream feeds the digest.
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static void write(Path file, int first, long bytes) {
        if (Files.exists(file)) {
            return;
        }
        try (Writer writer = Files.newBufferedWriter(file)) {
            long written = 0;
            for (int i = first; written < bytes; i++) {
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
        long cpu = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
        System.out.printf(
                Locale.ROOT,
                "%s in %.1f s; %.1f s of CPU so far%n",
                what,
                (System.nanoTime() - start) / 1e9,
                cpu / 1e9);
    }
}

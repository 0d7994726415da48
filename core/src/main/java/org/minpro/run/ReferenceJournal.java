package org.minpro.run;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code reference.jsonl}: the log-probabilities of rollouts under the reference model, a line of JSON each, in the order in
 * which they were computed, with the digits that give back the same bits.
 *
 * <p>A run that goes on removes the lines of the iterations that it does again, and writes the same bytes.
 */
final class ReferenceJournal implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** Those of one rollout, {@code [time]}. */
    record Entry(long draw, int sample, float[] logProbs) {}

    private final Path path;
    private final FileChannel channel;
    private final long oldestDraw;

    private ReferenceJournal(Path path, FileChannel channel, long oldestDraw) {
        this.path = path;
        this.channel = channel;
        this.oldestDraw = oldestDraw;
    }

    /**
     * Opens the file, made if it is not there, to continue at an iteration.
     *
     * @param oldestDraw entries of earlier draws are not read: the run is done with them
     */
    static ReferenceJournal open(Path path, long nextIteration, long oldestDraw) {
        try {
            FileChannel channel = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            long end = 0;
            try (BufferedReader lines = lines(path)) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    long next = end + line.getBytes(StandardCharsets.UTF_8).length + 1;
                    if (next > channel.size() || iteration(line) >= nextIteration) {
                        break;
                    }
                    end = next;
                }
            }
            channel.truncate(end);
            channel.position(end);
            return new ReferenceJournal(path, channel, oldestDraw);
        } catch (IOException e) {
            throw new UncheckedIOException("the reference's journal must be readable and writable, got: " + path, e);
        }
    }

    /** A reader that puts U+FFFD, three bytes, for what a crash left of a character. */
    private static BufferedReader lines(Path path) throws IOException {
        return new BufferedReader(new InputStreamReader(Files.newInputStream(path), StandardCharsets.UTF_8));
    }

    private static long iteration(String line) {
        try {
            return JSON.readTree(line).path("iteration").longValue(Long.MAX_VALUE);
        } catch (JacksonException e) {
            return Long.MAX_VALUE;
        }
    }

    /** What is there of the draws that are still needed. */
    List<Entry> read() {
        List<Entry> entries = new ArrayList<>();
        try (BufferedReader lines = lines(path)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                JsonNode node = JSON.readTree(line);
                if (node.path("draw").longValue() >= oldestDraw) {
                    entries.add(new Entry(
                            node.path("draw").longValue(),
                            node.path("sample").intValue(),
                            JournalFile.floats(node.path("reference_log_probs"))));
                }
            }
            return entries;
        } catch (IOException | JacksonException e) {
            throw new IllegalStateException("the reference's journal must be readable, got: " + path + ": " + e, e);
        }
    }

    void append(long iteration, List<Entry> entries) {
        StringBuilder lines = new StringBuilder();
        for (Entry entry : entries) {
            ObjectNode node = JSON.createObjectNode();
            node.put("iteration", iteration);
            node.put("draw", entry.draw);
            node.put("sample", entry.sample);
            ArrayNode numbers = node.putArray("reference_log_probs");
            for (float logProb : entry.logProbs) {
                numbers.add(logProb);
            }
            lines.append(JSON.writeValueAsString(node)).append('\n');
        }
        ByteBuffer bytes = ByteBuffer.wrap(lines.toString().getBytes(StandardCharsets.UTF_8));
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the reference's journal must be writable, got: " + path, e);
        }
    }

    /** Makes everything written so far survive a loss of power. */
    void force() {
        try {
            channel.force(false);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

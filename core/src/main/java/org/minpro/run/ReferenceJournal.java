package org.minpro.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
    record Entry(long draw, int sample, float[] logProbs) {
        /** Some of them for another process. */
        static byte[] bytes(List<Entry> entries) {
            int numbers = entries.stream()
                    .mapToInt(entry -> 4 + entry.logProbs.length)
                    .sum();
            ByteBuffer buffer = ByteBuffer.allocate(Integer.BYTES * numbers);
            for (Entry entry : entries) {
                buffer.putLong(entry.draw).putInt(entry.sample).putInt(entry.logProbs.length);
                for (float logProb : entry.logProbs) {
                    buffer.putInt(Float.floatToRawIntBits(logProb));
                }
            }
            return buffer.array();
        }

        static List<Entry> of(byte[] bytes) {
            List<Entry> entries = new ArrayList<>();
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
                long draw = buffer.getLong();
                int sample = buffer.getInt();
                float[] logProbs = new float[buffer.getInt()];
                for (int t = 0; t < logProbs.length; t++) {
                    logProbs[t] = Float.intBitsToFloat(buffer.getInt());
                }
                entries.add(new Entry(draw, sample, logProbs));
            }
            return entries;
        }
    }

    private final AppendedLines file;
    private final long oldestDraw;

    private ReferenceJournal(AppendedLines file, long oldestDraw) {
        this.file = file;
        this.oldestDraw = oldestDraw;
    }

    /**
     * Opens the file, made if it is not there, to continue at an iteration.
     *
     * @param oldestDraw entries of earlier draws are not read: the run is done with them
     */
    static ReferenceJournal open(Path path, long nextIteration, long oldestDraw) {
        try {
            AppendedLines file = AppendedLines.open(path, "the reference's journal");
            file.cutFrom(nextIteration);
            return new ReferenceJournal(file, oldestDraw);
        } catch (IOException e) {
            throw new UncheckedIOException("the reference's journal must be readable and writable, got: " + path, e);
        }
    }

    /** What is there of the draws that are still needed. */
    List<Entry> read() {
        List<Entry> entries = new ArrayList<>();
        try {
            file.read((line, end) -> {
                read(line).filter(entry -> entry.draw >= oldestDraw).ifPresent(entries::add);
                return true;
            });
            return entries;
        } catch (IOException e) {
            throw new UncheckedIOException("the reference's journal must be readable, got: " + file.path(), e);
        }
    }

    /** An entry; none of a damaged line, whose response is scored again. */
    private static Optional<Entry> read(String line) {
        try {
            JsonNode node = JSON.readTree(line);
            return Optional.of(new Entry(
                    node.path("draw").longValue(),
                    node.path("sample").intValue(),
                    JournalFile.floats(node.path("reference_log_probs"))));
        } catch (JacksonException e) {
            return Optional.empty();
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
        file.append(lines.toString());
    }

    /** Makes everything written so far survive a loss of power. */
    void force() {
        file.force();
    }

    @Override
    public void close() {
        file.close();
    }
}

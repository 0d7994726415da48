package org.minpro.dashboard;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The rollouts of a run's journal and the rows of its {@code tokens.jsonl}, found without reading the files again. */
public final class RolloutIndex {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final int ROLLOUT_BYTES = 40;
    private static final int ROW_BYTES = 44;
    private static final int UNDECIDED = 1;
    private static final int TRUNCATED = 2;

    private final Path journal;
    private final Path tokens;
    private final LineIndex rollouts;
    private final LineIndex rows;
    private final Map<Key, Float> largest = new HashMap<>();
    private int rowsSeen;

    private record Key(long draw, int sample) {}

    /**
     * @param journal file of rollouts
     * @param tokens file of tokens, which need not exist
     * @param cache folder in which the indexes are kept
     */
    public RolloutIndex(Path journal, Path tokens, Path cache) {
        this.journal = journal;
        this.tokens = tokens;
        rollouts = new LineIndex(journal, cache, ROLLOUT_BYTES);
        rows = new LineIndex(tokens, cache, ROW_BYTES);
    }

    /**
     * A rollout in the journal.
     *
     * @param reward its value; NaN where it is undecided
     * @param tokens of the response
     * @param logRatio largest |log π - log μ| of its tokens, nats; NaN where they were not recorded
     */
    public record Entry(
            long iteration,
            long draw,
            int sample,
            float reward,
            int tokens,
            boolean undecided,
            boolean truncated,
            float logRatio,
            long offset,
            int length) {}

    /** What rollouts are ordered by; the first comes first. */
    public enum Order {
        NEWEST,
        OLDEST,
        LARGEST_RATIO,
        LARGEST_REWARD,
        SMALLEST_REWARD,
        LONGEST,
        SHORTEST;

        private Comparator<Entry> comparator() {
            return switch (this) {
                case NEWEST -> Comparator.comparingLong(Entry::draw).reversed().thenComparingInt(Entry::sample);
                case OLDEST -> Comparator.comparingLong(Entry::draw).thenComparingInt(Entry::sample);
                case LARGEST_RATIO -> Comparator.comparing(Entry::logRatio, Order::numbersFirst);
                case LARGEST_REWARD -> Comparator.comparing(Entry::reward, Order::numbersFirst);
                case SMALLEST_REWARD -> Comparator.comparing(Entry::reward, (a, b) -> numbersFirst(-a, -b));
                case LONGEST -> Comparator.comparingInt(Entry::tokens).reversed();
                case SHORTEST -> Comparator.comparingInt(Entry::tokens);
            };
        }

        /** Descending, what is no number last. */
        private static int numbersFirst(float a, float b) {
            return Float.isNaN(a) || Float.isNaN(b)
                    ? Boolean.compare(Float.isNaN(a), Float.isNaN(b))
                    : Float.compare(b, a);
        }
    }

    /**
     * Which rollouts are asked for.
     *
     * @param iteration that sampled them, or null for all
     * @param undecided whether only undecided ones, or only decided ones, or null for all
     * @param truncated whether only those cut off, or only others, or null for all
     */
    public record Filter(
            @Nullable Long iteration,
            @Nullable Double leastReward,
            @Nullable Double mostReward,
            @Nullable Integer leastTokens,
            @Nullable Integer mostTokens,
            @Nullable Boolean undecided,
            @Nullable Boolean truncated,
            boolean recorded) {
        /** All of them. */
        public static Filter all() {
            return new Filter(null, null, null, null, null, null, null, false);
        }

        boolean takes(Entry entry) {
            return (iteration == null || entry.iteration == iteration)
                    && (leastReward == null || entry.reward >= leastReward)
                    && (mostReward == null || entry.reward <= mostReward)
                    && (leastTokens == null || entry.tokens >= leastTokens)
                    && (mostTokens == null || entry.tokens <= mostTokens)
                    && (undecided == null || entry.undecided == undecided)
                    && (truncated == null || entry.truncated == truncated)
                    && (!recorded || !Float.isNaN(entry.logRatio));
        }
    }

    /**
     * Rollouts that were asked for.
     *
     * @param matching how many there are
     * @param page some of them, in order
     */
    public record Found(int matching, List<Entry> page) {}

    /** Reads what was added to the files. */
    public synchronized void refresh() throws IOException {
        rollouts.refresh(new JournalLines());
        rows.refresh(new TokenLines());
        if (rows.size() < rowsSeen) {
            largest.clear();
            rowsSeen = 0;
        }
        for (; rowsSeen < rows.size(); rowsSeen++) {
            Row row = row(rowsSeen);
            largest.merge(new Key(row.draw, row.sample), row.logRatio, Math::max);
        }
    }

    /** Bytes of the journal that are read; also while {@link #refresh} is under way. */
    public long read() {
        return rollouts.position();
    }

    /** Rollouts in the journal. */
    public synchronized int size() {
        return rollouts.size();
    }

    private Entry entry(int index) {
        ByteBuffer record = rollouts.record(index);
        long offset = record.getLong();
        int length = record.getInt();
        int iteration = record.getInt();
        long draw = record.getLong();
        int sample = record.getInt();
        float reward = record.getFloat();
        int tokensOf = record.getInt();
        int flags = record.getInt();
        return new Entry(
                iteration,
                draw,
                sample,
                reward,
                tokensOf,
                (flags & UNDECIDED) != 0,
                (flags & TRUNCATED) != 0,
                largest.getOrDefault(new Key(draw, sample), Float.NaN),
                offset,
                length);
    }

    /** The rollouts of a filter in an order: {@code limit} of them after the first {@code skip}. */
    public synchronized Found find(Filter filter, Order order, int skip, int limit) {
        List<Entry> matching = IntStream.range(0, rollouts.size())
                .mapToObj(this::entry)
                .filter(filter::takes)
                .sorted(order.comparator())
                .toList();
        int from = Math.min(skip, matching.size());
        return new Found(matching.size(), matching.subList(from, Math.min(matching.size(), from + limit)));
    }

    /** The rollouts of a draw, by sample. */
    public synchronized List<Entry> ofDraw(long draw) {
        return IntStream.range(0, rollouts.size())
                .filter(i -> rollouts.record(i).getLong(16) == draw)
                .mapToObj(this::entry)
                .sorted(Comparator.comparingInt(Entry::sample))
                .toList();
    }

    /** The line of a rollout. */
    public JsonNode read(Entry entry) throws IOException {
        return JSON.readTree(new String(bytes(journal, entry.offset, entry.length), StandardCharsets.UTF_8));
    }

    /** The newest update's tokens of a rollout, in their order; none where they were not recorded. */
    public List<JsonNode> tokens(long draw, int sample) throws IOException {
        List<Row> found;
        synchronized (this) {
            found = IntStream.range(0, rows.size())
                    .mapToObj(this::row)
                    .filter(row -> row.draw == draw && row.sample == sample)
                    .toList();
        }
        List<JsonNode> lines = new ArrayList<>();
        if (!found.isEmpty()) {
            Row newest = found.getLast();
            for (Row row : found) {
                if (row.iteration == newest.iteration && row.update == newest.update) {
                    String text = new String(bytes(tokens, row.offset, row.length), StandardCharsets.UTF_8);
                    text.lines().map(JSON::readTree).forEach(lines::add);
                }
            }
        }
        return lines;
    }

    private static byte[] bytes(Path file, long offset, int length) throws IOException {
        byte[] bytes = new byte[length];
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "r")) {
            open.seek(offset);
            open.readFully(bytes);
        }
        return bytes;
    }

    /** A row of an update in {@code tokens.jsonl}: lines that follow each other. */
    private record Row(long offset, int length, long draw, int sample, long iteration, int update, float logRatio) {}

    private Row row(int index) {
        ByteBuffer record = rows.record(index);
        return new Row(
                record.getLong(),
                record.getInt(),
                record.getLong(),
                record.getInt(),
                record.getLong(),
                record.getInt(),
                record.getFloat());
    }

    private static final class JournalLines implements LineIndex.Reader {
        @Override
        public void line(byte[] bytes, int from, int length, long offset, Consumer<ByteBuffer> add) {
            int iteration = 0;
            long draw = -1;
            int sample = 0;
            double reward = 0;
            boolean decided = true;
            boolean truncated = false;
            int tokens = 0;
            try (JsonParser parser = JSON.createParser(bytes, from, length)) {
                if (parser.nextToken() != JsonToken.START_OBJECT) {
                    return;
                }
                while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                    String name = parser.currentName();
                    JsonToken value = parser.nextToken();
                    switch (name) {
                        case "iteration" -> iteration = parser.getIntValue();
                        case "draw" -> draw = parser.getLongValue();
                        case "sample" -> sample = parser.getIntValue();
                        case "finish" -> truncated = parser.getString().equals("length");
                        case "score" -> {
                            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                                String inner = parser.currentName();
                                JsonToken of = parser.nextToken();
                                if (inner.equals("decided")) {
                                    decided = of == JsonToken.VALUE_TRUE;
                                } else if (inner.equals("value") && of.isNumeric()) {
                                    reward = parser.getDoubleValue();
                                } else {
                                    parser.skipChildren();
                                }
                            }
                        }
                        case "response_ids" -> {
                            if (value == JsonToken.START_ARRAY) {
                                while (parser.nextToken() != JsonToken.END_ARRAY) {
                                    tokens++;
                                }
                            }
                        }
                        default -> parser.skipChildren();
                    }
                    if (name.equals("response_ids")) {
                        // What follows is an array for each token and a version: most of the line, and not needed here.
                        break;
                    }
                }
            } catch (JacksonException e) {
                // A damaged line: the run leaves it out too.
                return;
            }
            if (draw >= 0) {
                add.accept(ByteBuffer.allocate(ROLLOUT_BYTES)
                        .putLong(offset)
                        .putInt(length)
                        .putInt(iteration)
                        .putLong(draw)
                        .putInt(sample)
                        .putFloat(decided ? (float) reward : Float.NaN)
                        .putInt(tokens)
                        .putInt((decided ? 0 : UNDECIDED) | (truncated ? TRUNCATED : 0)));
            }
        }
    }

    private static final class TokenLines implements LineIndex.Reader {
        private @Nullable Row open;

        @Override
        public void line(byte[] bytes, int from, int length, long offset, Consumer<ByteBuffer> add) {
            long iteration = 0;
            int update = 0;
            long draw = -1;
            int sample = 0;
            double logMu = Double.NaN;
            double logPi = Double.NaN;
            try (JsonParser parser = JSON.createParser(bytes, from, length)) {
                parser.nextToken();
                while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                    String name = parser.currentName();
                    boolean number = parser.nextToken().isNumeric();
                    switch (name) {
                        case "iteration" -> iteration = parser.getLongValue();
                        case "update" -> update = parser.getIntValue();
                        case "draw" -> draw = parser.getLongValue();
                        case "sample" -> sample = parser.getIntValue();
                        case "log_mu" -> logMu = number ? parser.getDoubleValue() : Double.NaN;
                        case "log_pi" -> logPi = number ? parser.getDoubleValue() : Double.NaN;
                        default -> parser.skipChildren();
                    }
                }
            } catch (JacksonException e) {
                return;
            }
            float ratio = (float) Math.abs(logPi - logMu);
            Row row = open;
            if (row != null
                    && row.draw == draw
                    && row.sample == sample
                    && row.iteration == iteration
                    && row.update == update
                    && row.offset + row.length == offset) {
                open = new Row(
                        row.offset,
                        row.length + length + 1,
                        draw,
                        sample,
                        iteration,
                        update,
                        Float.isNaN(ratio) ? row.logRatio : Math.max(row.logRatio, ratio));
            } else {
                end(add);
                open = new Row(offset, length + 1, draw, sample, iteration, update, Float.isNaN(ratio) ? 0 : ratio);
            }
        }

        @Override
        public void end(Consumer<ByteBuffer> add) {
            Row row = open;
            if (row != null) {
                add.accept(ByteBuffer.allocate(ROW_BYTES)
                        .putLong(row.offset)
                        .putInt(row.length)
                        .putLong(row.draw)
                        .putInt(row.sample)
                        .putLong(row.iteration)
                        .putInt(row.update)
                        .putFloat(row.logRatio));
                open = null;
            }
        }
    }
}

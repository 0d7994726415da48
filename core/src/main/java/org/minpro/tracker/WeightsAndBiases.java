package org.minpro.tracker;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import tools.jackson.databind.json.JsonMapper;

/**
 * An offline run of Weights &amp; Biases in the run's folder: {@code wandb sync RUN/wandb/offline-run-*} uploads it.
 *
 * <p>The file is the log of wandb's own client: LevelDB's log format (blocks of 32 KiB; a record is a CRC-32 of type and
 * data, a length and a type) with a message {@code Record} of {@code wandb_internal.proto} in each. A run that is continued
 * writes its file anew under the same id. An evaluation after n iterations is part of step n.
 *
 * @param project that the run belongs to
 * @param entity user or team that owns the project; null takes the default of whoever uploads it
 */
public record WeightsAndBiases(
        @Doc("Project that the run belongs to.") String project,

        @Doc("User or team that owns the project; null takes that of whoever uploads the run.") @Nullable String entity)
        implements Tracker {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";
    private static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("yyyyMMdd_HHmmss").withZone(ZoneOffset.UTC);

    // Fields of Record.
    private static final int NUMBER = 1;
    private static final int HISTORY = 2;
    private static final int SUMMARY = 3;
    private static final int RUN = 17;
    private static final int EXIT = 18;
    private static final int HEADER = 21;

    // Fields of ConfigItem, SummaryItem and HistoryItem.
    private static final int KEY = 1;
    private static final int NESTED_KEY = 2;
    private static final int VALUE_JSON = 16;

    public WeightsAndBiases {
        Rule.check(!project.isBlank(), "project", "a name", "'" + project + "'");
    }

    /** Project {@code minpro}. */
    public WeightsAndBiases() {
        this("minpro", null);
    }

    @Override
    public MetricSink open(TrackedRun run) throws IOException {
        Path parent = Files.createDirectories(run.folder().resolve("wandb"));
        Path folder = stored(parent).orElse(null);
        if (folder == null) {
            folder =
                    Files.createDirectory(parent.resolve("offline-run-" + STAMP.format(Instant.now()) + "-" + newId()));
        }
        String name = String.valueOf(folder.getFileName());
        String id = name.substring(name.lastIndexOf('-') + 1);
        Path file = folder.resolve("run-" + id + ".wandb");
        // What was uploaded before is out of date.
        Files.deleteIfExists(folder.resolve(file.getFileName() + ".synced"));
        // A run whose log is being written anew keeps the old one until the new one has begun.
        Path part = folder.resolve(file.getFileName() + ".part");
        Log log = new Log(Files.newOutputStream(part));
        List<MetricPoint> recorded = run.recorded();
        log.begin(
                this,
                run,
                id,
                recorded.isEmpty()
                        ? Instant.now().getEpochSecond()
                        : (long) recorded.getFirst().time());
        Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
        return log;
    }

    private static Optional<Path> stored(Path parent) throws IOException {
        try (Stream<Path> folders = Files.list(parent)) {
            return folders.filter(
                            folder -> String.valueOf(folder.getFileName()).matches("offline-run-\\d+_\\d+-[a-z0-9]+"))
                    .sorted()
                    .findFirst();
        }
    }

    private static String newId() {
        return new SecureRandom()
                .ints(8, 0, LETTERS.length())
                .mapToObj(i -> LETTERS.substring(i, i + 1))
                .collect(Collectors.joining());
    }

    /** The log: header, run, and for each step its history and the summary so far. */
    static final class Log implements MetricSink {
        private static final int BLOCK = 32768;
        private static final int FRAME = 7;
        private static final int FULL = 1;
        private static final int FIRST = 2;
        private static final int MIDDLE = 3;
        private static final int LAST = 4;

        private final OutputStream out;
        private final Map<String, Double> ofEvaluation = new LinkedHashMap<>();
        private long position;
        private long number;
        private double began = Double.NaN;
        private double latest;
        private long nextStep;

        Log(OutputStream out) throws IOException {
            this.out = out;
            // ":W&B", 0xBEE1, version 0.
            write(new byte[] {':', 'W', '&', 'B', (byte) 0xE1, (byte) 0xBE, 0});
        }

        private void write(byte[] bytes) throws IOException {
            out.write(bytes);
            position += bytes.length;
        }

        /** @param start seconds since 1970 */
        void begin(WeightsAndBiases tracker, TrackedRun run, String id, long start) throws IOException {
            record(
                    HEADER,
                    new ProtocolBuffer()
                            .message(1, new ProtocolBuffer().text(1, "minpro").text(2, "0.40.0")));
            ProtocolBuffer config = new ProtocolBuffer();
            config.message(1, item("_wandb", "{}"));
            run.settings().forEach((name, value) -> config.message(1, item(name, JSON.writeValueAsString(value))));
            ProtocolBuffer message = new ProtocolBuffer().text(1, id);
            if (tracker.entity() != null) {
                message.text(2, tracker.entity());
            }
            message.text(3, tracker.project())
                    .message(4, config)
                    .text(8, run.name())
                    .message(17, new ProtocolBuffer().integer(1, start));
            record(RUN, message);
        }

        private static ProtocolBuffer item(String key, String json) {
            return new ProtocolBuffer().text(KEY, key).text(VALUE_JSON, json);
        }

        private static ProtocolBuffer nested(String key, String json) {
            return new ProtocolBuffer().text(NESTED_KEY, key).text(VALUE_JSON, json);
        }

        @Override
        public void log(MetricPoint point) throws IOException {
            began = Double.isNaN(began) ? point.time() : began;
            latest = point.time();
            if (point.series() == MetricPoint.Series.EVALUATION) {
                if (!ofEvaluation.isEmpty() && point.step() > nextStep) {
                    history(nextStep, Map.of());
                }
                ofEvaluation.putAll(point.values());
                nextStep = point.step();
            } else {
                history(point.step(), point.values());
                nextStep = point.step() + 1;
            }
        }

        private void history(long step, Map<String, Double> values) throws IOException {
            Map<String, Double> all = new LinkedHashMap<>(values);
            all.putAll(ofEvaluation);
            ofEvaluation.clear();
            all.put("_timestamp", latest);
            all.put("_runtime", latest - began);
            all.put("_step", (double) step);
            ProtocolBuffer history = new ProtocolBuffer();
            ProtocolBuffer summary = new ProtocolBuffer();
            all.forEach((name, value) -> {
                ProtocolBuffer item =
                        nested(name, name.equals("_step") ? String.valueOf(step) : JSON.writeValueAsString(value));
                history.message(1, item);
                summary.message(1, item);
            });
            history.message(2, new ProtocolBuffer().integer(1, step));
            record(SUMMARY, summary);
            record(HISTORY, history);
        }

        @Override
        public void close(End end) throws IOException {
            try (out) {
                if (end != End.SINK_FAILED) {
                    if (!ofEvaluation.isEmpty()) {
                        history(nextStep, Map.of());
                    }
                    record(EXIT, new ProtocolBuffer().integer(1, end == End.FINISHED ? 0 : 1));
                }
            }
        }

        private void record(int field, ProtocolBuffer message) throws IOException {
            number++;
            write(framed(
                    new ProtocolBuffer()
                            .integer(NUMBER, number)
                            .message(field, message)
                            .encoded(),
                    (int) (position % BLOCK)));
        }

        /**
         * Data in LevelDB's log format.
         *
         * @param offset in the block, where it begins
         */
        static byte[] framed(byte[] data, int offset) {
            int at = offset;
            int done = 0;
            ByteBuffer buffer = ByteBuffer.allocate(data.length + FRAME * (3 + data.length / (BLOCK - FRAME)) + FRAME)
                    .order(ByteOrder.LITTLE_ENDIAN);
            do {
                int left = BLOCK - at;
                if (left < FRAME) {
                    buffer.position(buffer.position() + left);
                    at = 0;
                    left = BLOCK;
                }
                int length = Math.min(data.length - done, left - FRAME);
                boolean last = done + length == data.length;
                int type = done == 0 ? last ? FULL : FIRST : last ? LAST : MIDDLE;
                CRC32 checksum = new CRC32();
                checksum.update(type);
                checksum.update(data, done, length);
                buffer.putInt((int) checksum.getValue());
                buffer.putShort((short) length);
                buffer.put((byte) type);
                buffer.put(data, done, length);
                done += length;
                at = (at + FRAME + length) % BLOCK;
            } while (done < data.length);
            byte[] framed = new byte[buffer.position()];
            buffer.flip().get(framed);
            return framed;
        }
    }
}

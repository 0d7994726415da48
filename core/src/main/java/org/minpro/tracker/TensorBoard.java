package org.minpro.tracker;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/**
 * Event files of TensorBoard in the run's folder: {@code tensorboard --logdir runs} shows each run by its folder.
 *
 * <p>A file is a row of records (length as uint64, its checksum, the payload, its checksum; little-endian; the checksum is
 * the masked CRC32C of TFRecord), each an {@code Event} of TensorFlow's {@code event.proto}. A run that is continued gets a
 * new file with all its points; the first event tells a TensorBoard that is looking to forget the old ones.
 */
public record TensorBoard() implements Tracker {
    private static final String PREFIX = "events.out.tfevents.";

    // Fields of Event.
    private static final int WALL_TIME = 1;
    private static final int STEP = 2;
    private static final int FILE_VERSION = 3;
    private static final int SUMMARY = 5;
    private static final int SESSION_LOG = 7;

    @Override
    public MetricSink open(TrackedRun run) throws IOException {
        Path target = Files.createDirectories(run.folder().resolve("tensorboard"));
        List<Path> old;
        try (Stream<Path> files = Files.list(target)) {
            old = files.filter(file -> String.valueOf(file.getFileName()).startsWith(PREFIX))
                    .toList();
        }
        long now = System.currentTimeMillis();
        Path file = target.resolve(PREFIX + now / 1000 + "." + host() + "."
                + ProcessHandle.current().pid() + "." + now % 1000);
        Events events = new Events(file);
        double second = Instant.now().getEpochSecond();
        events.write(new ProtocolBuffer().float64(WALL_TIME, second).text(FILE_VERSION, "brain.Event:2"));
        // SessionLog.START (1) at step 0: what other files of the folder have of step 0 and later is out of date.
        events.write(new ProtocolBuffer()
                .float64(WALL_TIME, second)
                .integer(STEP, 0)
                .message(SESSION_LOG, new ProtocolBuffer().integer(1, 1)));
        events.write(recipe(second, run.recipe()));
        for (Path outdated : old) {
            Files.deleteIfExists(outdated);
        }
        return events;
    }

    private static String host() {
        try {
            return InetAddress.getLocalHost().getHostName().replaceAll("[^A-Za-z0-9-]", "-");
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }

    /** The recipe as a text of TensorBoard's text plugin, in a block of code. */
    private static ProtocolBuffer recipe(double time, String text) {
        ProtocolBuffer metadata = new ProtocolBuffer().message(1, new ProtocolBuffer().text(1, "text"));
        // TensorProto: dtype 1 = DT_STRING (7), tensor_shape 2 with one dimension of size 1, string_val 8.
        ProtocolBuffer tensor = new ProtocolBuffer()
                .integer(1, 7)
                .message(2, new ProtocolBuffer().message(2, new ProtocolBuffer().integer(1, 1)))
                .text(8, "    " + text.strip().replace("\n", "\n    "));
        return new ProtocolBuffer()
                .float64(WALL_TIME, time)
                .integer(STEP, 0)
                .message(
                        SUMMARY,
                        new ProtocolBuffer()
                                .message(
                                        1,
                                        new ProtocolBuffer()
                                                .text(1, "recipe/text_summary")
                                                .message(9, metadata)
                                                .message(8, tensor)));
    }

    /** The event of a point: a {@code Summary} with a {@code simple_value} for each number. */
    static ProtocolBuffer event(MetricPoint point) {
        ProtocolBuffer summary = new ProtocolBuffer();
        for (Map.Entry<String, Double> value : point.values().entrySet()) {
            summary.message(
                    1,
                    new ProtocolBuffer()
                            .text(1, value.getKey())
                            .float32(2, value.getValue().floatValue()));
        }
        return new ProtocolBuffer()
                .float64(WALL_TIME, point.time())
                .integer(STEP, point.step())
                .message(SUMMARY, summary);
    }

    /** A payload in the frame of TFRecord. */
    static byte[] record(byte[] payload) {
        ByteBuffer buffer = ByteBuffer.allocate(Long.BYTES + Integer.BYTES + payload.length + Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(payload.length);
        buffer.putInt(masked(buffer.array(), 0, Long.BYTES));
        buffer.put(payload);
        buffer.putInt(masked(buffer.array(), Long.BYTES + Integer.BYTES, payload.length));
        return buffer.array();
    }

    /** The CRC32C of bytes, turned and moved so that a checksum of data with checksums in it stays good. */
    private static int masked(byte[] bytes, int from, int length) {
        CRC32C checksum = new CRC32C();
        checksum.update(bytes, from, length);
        int crc = (int) checksum.getValue();
        return Integer.rotateRight(crc, 15) + 0xA282EAD8;
    }

    private static final class Events implements MetricSink {
        private final OutputStream out;

        Events(Path file) throws IOException {
            out = Files.newOutputStream(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        }

        void write(ProtocolBuffer event) throws IOException {
            out.write(record(event.encoded()));
        }

        @Override
        public void log(MetricPoint point) throws IOException {
            write(event(point));
        }

        @Override
        public void close(End end) throws IOException {
            out.close();
        }
    }
}

package org.minpro.dashboard;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32;

/**
 * An index of a file of lines that grows: a record of fixed size for each thing found in it. It is kept in the cache folder,
 * and only what was added since is read again. A file that was cut or replaced is read anew.
 *
 * <p>For one thread at a time.
 */
final class LineIndex {
    private static final int MAGIC = 0x4D494458;
    private static final int VERSION = 1;
    private static final int RECORDS_PER_CHUNK = 1 << 14;
    private static final int READ = 1 << 22;
    /** Bytes before the end of what was read by which a file is known again. */
    private static final int KNOWN = 4096;

    /** Reads lines and makes records of them. */
    interface Reader {
        /**
         * A whole line.
         *
         * @param offset of the line in the file
         * @param add takes the record, of {@link LineIndex#recordBytes}
         */
        void line(byte[] bytes, int from, int length, long offset, java.util.function.Consumer<ByteBuffer> add);

        /** No line follows for now. */
        default void end(java.util.function.Consumer<ByteBuffer> add) {}
    }

    private final Path file;
    private final Path kept;
    private final int recordBytes;
    private final List<byte[]> chunks = new ArrayList<>();
    private int records;
    private volatile long position;
    private boolean loaded;

    /**
     * @param cache folder of indexes
     * @param recordBytes bytes of a record
     */
    LineIndex(Path file, Path cache, int recordBytes) {
        this.file = file;
        this.recordBytes = recordBytes;
        this.kept = cache.resolve(digest(file.toAbsolutePath().normalize().toString()) + "." + recordBytes + ".index");
    }

    private static String digest(String text) {
        try {
            byte[] sha = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(sha, 0, 12);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    int recordBytes() {
        return recordBytes;
    }

    int size() {
        return records;
    }

    /** A record, to be read at its own position 0. */
    ByteBuffer record(int index) {
        return ByteBuffer.wrap(
                        chunks.get(index / RECORDS_PER_CHUNK), index % RECORDS_PER_CHUNK * recordBytes, recordBytes)
                .slice();
    }

    /** Bytes of the file that are indexed. */
    long position() {
        return position;
    }

    private void add(ByteBuffer record) {
        if (records % RECORDS_PER_CHUNK == 0) {
            chunks.add(new byte[RECORDS_PER_CHUNK * recordBytes]);
        }
        record.get(0, chunks.getLast(), records % RECORDS_PER_CHUNK * recordBytes, recordBytes);
        records++;
    }

    private void clear() {
        chunks.clear();
        records = 0;
        position = 0;
    }

    /** Reads what was added; keeps the index where it grew. */
    void refresh(Reader reader) throws IOException {
        if (!Files.isRegularFile(file)) {
            clear();
            return;
        }
        if (!loaded) {
            load();
            loaded = true;
        }
        long size = Files.size(file);
        if (size < position) {
            clear();
        }
        if (size == position) {
            return;
        }
        long before = position;
        readOn(reader);
        // A line is hundreds of bytes: what is little is read again as fast as it is kept.
        if (position - before > READ || before == 0 && position > READ / 4) {
            try {
                keep();
            } catch (IOException e) {
                // Nowhere to keep it: the next one reads the file again.
                return;
            }
        }
    }

    private void readOn(Reader reader) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            byte[] bytes = new byte[READ];
            int held = 0;
            long start = position;
            channel.position(start);
            while (true) {
                if (held == bytes.length) {
                    bytes = Arrays.copyOf(bytes, 2 * bytes.length);
                }
                int read = channel.read(ByteBuffer.wrap(bytes, held, bytes.length - held));
                if (read <= 0) {
                    break;
                }
                int from = 0;
                for (int i = held; i < held + read; i++) {
                    if (bytes[i] == '\n') {
                        reader.line(bytes, from, i - from, start + from, this::add);
                        from = i + 1;
                    }
                }
                start += from;
                position = start;
                held += read;
                System.arraycopy(bytes, from, bytes, 0, held - from);
                held -= from;
            }
        }
        reader.end(this::add);
    }

    private long mark(long end) throws IOException {
        CRC32 checksum = new CRC32();
        try (FileChannel channel = FileChannel.open(file)) {
            ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(KNOWN, end));
            channel.position(end - bytes.capacity());
            while (bytes.hasRemaining() && channel.read(bytes) > 0) {}
            checksum.update(bytes.flip());
        }
        return checksum.getValue();
    }

    private void load() throws IOException {
        if (!Files.isRegularFile(kept)) {
            return;
        }
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(kept), 1 << 16))) {
            if (in.readInt() != MAGIC || in.readInt() != VERSION || in.readInt() != recordBytes) {
                return;
            }
            long end = in.readLong();
            long mark = in.readLong();
            int count = in.readInt();
            if (end > Files.size(file) || mark != mark(end)) {
                return;
            }
            byte[] record = new byte[recordBytes];
            for (int i = 0; i < count; i++) {
                in.readFully(record);
                add(ByteBuffer.wrap(record));
            }
            position = end;
        } catch (IOException e) {
            // One that was cut short: the file is read anew.
            clear();
        }
    }

    private void keep() throws IOException {
        Files.createDirectories(kept.getParent());
        Path part = Files.createTempFile(kept.getParent(), "part", ".index");
        try (DataOutputStream out =
                new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(part), 1 << 16))) {
            out.writeInt(MAGIC);
            out.writeInt(VERSION);
            out.writeInt(recordBytes);
            out.writeLong(position);
            out.writeLong(mark(position));
            out.writeInt(records);
            for (int i = 0; i < records; i++) {
                out.write(chunks.get(i / RECORDS_PER_CHUNK), i % RECORDS_PER_CHUNK * recordBytes, recordBytes);
            }
        }
        Files.move(part, kept, StandardCopyOption.REPLACE_EXISTING);
    }
}

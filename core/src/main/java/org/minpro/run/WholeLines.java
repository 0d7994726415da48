package org.minpro.run;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The lines of a growing file that have their end, and the positions of these in bytes, whatever the bytes are. */
public final class WholeLines {
    private static final int READ = 1 << 16;

    private WholeLines() {}

    /** Is given the lines of a file, one after another. */
    @FunctionalInterface
    public interface Reader {
        /**
         * @param line without its end; U+FFFD for bytes that are no characters
         * @param end position behind the line
         * @return whether it wants the next one
         */
        boolean line(String line, long end);
    }

    /**
     * Reads on in a file.
     *
     * @param from position where a line begins
     * @return whether the reader wanted every line
     */
    public static boolean read(Path file, long from, Reader reader) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        ByteBuffer buffer = ByteBuffer.allocate(READ);
        long position = from;
        try (FileChannel channel = FileChannel.open(file)) {
            channel.position(from);
            while (channel.read(buffer.clear()) > 0) {
                byte[] bytes = buffer.array();
                int start = 0;
                for (int i = 0; i < buffer.position(); i++) {
                    if (bytes[i] == '\n') {
                        line.write(bytes, start, i - start);
                        start = i + 1;
                        position += line.size() + 1;
                        if (!reader.line(line.toString(StandardCharsets.UTF_8), position)) {
                            return false;
                        }
                        line.reset();
                    }
                }
                line.write(bytes, start, buffer.position() - start);
            }
        }
        return true;
    }
}

package org.minpro.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * An open safetensors file whose tensors are read one at a time; {@link #write} makes one.
 *
 * <p>For one thread at a time. Reading goes through a small buffer, not a mapping: mapped weights would count twice in the resident memory, and a
 * file that shrinks while it is mapped kills the process.
 */
public final class SafetensorsFile implements AutoCloseable {
    private static final int BUFFER_BYTES = 4 << 20;

    private final Path file;
    private final FileChannel channel;
    private final SafetensorsHeader header;
    // One for all tensors: direct memory comes back only with a garbage collection.
    private @Nullable ByteBuffer buffer;

    private SafetensorsFile(Path file, FileChannel channel, SafetensorsHeader header) {
        this.file = file;
        this.channel = channel;
        this.header = header;
    }

    /**
     * Opens a file and checks all of its header.
     *
     * @throws ModelFormatException if it is missing or is no sound safetensors file
     */
    public static SafetensorsFile open(Path file) {
        FileChannel channel = null;
        try {
            channel = FileChannel.open(file, StandardOpenOption.READ);
            SafetensorsFile opened = new SafetensorsFile(file, channel, SafetensorsHeader.read(file, channel));
            channel = null;
            return opened;
        } catch (NoSuchFileException e) {
            throw new ModelFormatException(file, "file not found", e);
        } catch (IOException e) {
            throw new ModelFormatException(file, "cannot be read: " + e.getMessage(), e);
        } finally {
            if (channel != null) {
                try {
                    channel.close();
                } catch (IOException e) {
                    // The reason why opening failed is on its way and says more.
                }
            }
        }
    }

    public Path path() {
        return file;
    }

    public SafetensorsHeader header() {
        return header;
    }

    /** A tensor as it is stored, made on the CPU in the innermost scope. */
    public Tensor read(String name) {
        SafetensorsHeader.Entry entry = entry(name);
        Tensor tensor = Tensor.empty(Device.CPU, entry.dtype(), shape(entry));
        readInto(name, 0, tensor);
        return tensor;
    }

    /**
     * Overwrites a contiguous tensor of any element type, on any device, with the stored elements from {@code start} on, in row-major
     * order, converted.
     */
    public void readInto(String name, long start, Tensor target) {
        SafetensorsHeader.Entry entry = entry(name);
        DType dtype = entry.dtype();
        long count = target.elements();
        long stored = entry.bytes() / dtype.bytes();
        if (start < 0 || start > stored || count > stored - start) {
            throw new IllegalArgumentException(
                    "elements must lie within the " + stored + " of " + name + ", got: " + start + " + " + count);
        }
        int chunk = BUFFER_BYTES / dtype.bytes();
        ByteBuffer elementBytes = buffer();
        try (Scope scope = Scope.open()) {
            Tensor flat = target.detach().view(count);
            for (long done = 0; done < count; done += chunk) {
                long elements = Math.min(chunk, count - done);
                elementBytes.clear().limit((int) elements * dtype.bytes());
                fill(header.dataStart() + entry.begin() + (start + done) * dtype.bytes(), elementBytes, name);
                try (Scope piece = Scope.open()) {
                    flat.narrow(0, done, elements)
                            .copyInPlace(Tensor.fromBytes(Device.CPU, elementBytes, dtype, elements));
                }
            }
        }
    }

    private ByteBuffer buffer() {
        ByteBuffer existing = buffer;
        if (existing == null) {
            existing = ByteBuffer.allocateDirect(BUFFER_BYTES);
            buffer = existing;
        }
        return existing;
    }

    /**
     * Copies stored bytes of a tensor, from byte {@code offset} of it on, between the buffer's position and limit,
     * which stay.
     */
    public void readBytes(String name, long offset, ByteBuffer target) {
        SafetensorsHeader.Entry entry = entry(name);
        if (offset < 0 || offset + target.remaining() > entry.bytes()) {
            throw new IllegalArgumentException("bytes must lie within the " + entry.bytes() + " of " + name + ", got: "
                    + offset + " + " + target.remaining());
        }
        fill(header.dataStart() + entry.begin() + offset, target, name);
    }

    private void fill(long position, ByteBuffer buffer, String name) {
        int begin = buffer.position();
        try {
            while (buffer.hasRemaining()) {
                if (channel.read(buffer, position + buffer.position() - begin) < 0) {
                    throw new ModelFormatException(
                            file, "tensor " + name + ": the file was shortened while it was read");
                }
            }
        } catch (IOException e) {
            throw new ModelFormatException(file, "tensor " + name + " cannot be read: " + e.getMessage(), e);
        }
        buffer.position(begin);
    }

    private SafetensorsHeader.Entry entry(String name) {
        SafetensorsHeader.Entry entry = header.tensors().get(name);
        if (entry == null) {
            throw new IllegalArgumentException("tensor must be one of " + file + ", got: " + name);
        }
        return entry;
    }

    private static long[] shape(SafetensorsHeader.Entry entry) {
        return entry.shape().stream().mapToLong(Long::longValue).toArray();
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Tensors to be written, made one at a time so that no second copy of a model is in memory. */
    @FunctionalInterface
    public interface Source {
        /** The tensor of a name, of the element type and shape announced for it; asked for once, inside an open scope. */
        Tensor tensor(String name);
    }

    /** The element type of a tensor and its shape. */
    public record Shape(DType type, long... shape) {}

    /**
     * What a file is to hold.
     *
     * @param shapes of all tensors, by name
     * @param source gives them, in the order of the names
     */
    public record Content(SequencedMap<String, Shape> shapes, Source source) {
        /** Tensors that are there already. */
        public static Content of(SequencedMap<String, Tensor> tensors) {
            SequencedMap<String, Shape> shapes = new LinkedHashMap<>();
            tensors.forEach((name, tensor) -> shapes.put(name, new Shape(tensor.type(), tensor.shape())));
            return new Content(shapes, name -> Objects.requireNonNull(tensors.get(name)));
        }

        public boolean isEmpty() {
            return shapes.isEmpty();
        }
    }

    /** Writes tensors that are made one at a time; the same ones give the bytes of {@link #write(Path, SequencedMap)}. */
    public static void write(Path file, Content content) {
        SequencedMap<String, SafetensorsHeader.Entry> entries = new LinkedHashMap<>();
        content.shapes.forEach((name, shape) -> entries.put(name, unplaced(shape.type, shape.shape)));
        // transformers refuses a file that does not say which framework wrote it.
        write(file, entries, Map.of("format", "pt"), content.source);
    }

    /** Writes tensors as they are; the same tensors give the same bytes. See {@link #write(Path, SequencedMap, Map)}. */
    public static void write(Path file, SequencedMap<String, Tensor> tensors) {
        write(file, Content.of(tensors));
    }

    /**
     * Writes tensors as they are: to a temporary file beside {@code file}, forced to disk and then renamed, so that
     * {@code file} is never half written. Tensors of wider elements come first, otherwise the order is kept.
     */
    public static void write(Path file, SequencedMap<String, Tensor> tensors, Map<String, String> metadata) {
        SequencedMap<String, SafetensorsHeader.Entry> shapes = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> shapes.put(name, unplaced(tensor.type(), tensor.shape())));
        write(file, shapes, metadata, name -> Objects.requireNonNull(tensors.get(name)));
    }

    static SafetensorsHeader.Entry unplaced(DType dtype, long[] shape) {
        return new SafetensorsHeader.Entry(dtype, Arrays.stream(shape).boxed().toList(), 0, 0);
    }

    static void write(
            Path file,
            SequencedMap<String, SafetensorsHeader.Entry> shapes,
            Map<String, String> metadata,
            Source source) {
        SafetensorsHeader header = SafetensorsHeader.layOut(shapes, metadata);
        Path temporary = file.resolveSibling(file.getFileName() + ".part");
        try {
            try (FileChannel out = FileChannel.open(
                    temporary,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE)) {
                writeFully(out, ByteBuffer.wrap(header.bytes()));
                ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
                for (Map.Entry<String, SafetensorsHeader.Entry> tensor :
                        header.tensors().entrySet()) {
                    try (Scope scope = Scope.open()) {
                        writeTensor(out, tensor.getKey(), tensor.getValue(), source.tensor(tensor.getKey()), buffer);
                    }
                }
                out.force(true);
            }
            move(temporary, file);
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": cannot be written: " + e.getMessage(), e);
        } finally {
            try {
                Files.deleteIfExists(temporary);
            } catch (IOException e) {
                // A left-over .part file is no reason to hide why writing failed.
            }
        }
    }

    private static void writeTensor(
            FileChannel out, String name, SafetensorsHeader.Entry entry, Tensor tensor, ByteBuffer buffer)
            throws IOException {
        List<Long> shape = Arrays.stream(tensor.shape()).boxed().toList();
        if (tensor.type() != entry.dtype() || !shape.equals(entry.shape())) {
            throw new IllegalArgumentException("tensor " + name + " must be " + entry.dtype() + " " + entry.shape()
                    + ", got: " + tensor.type() + " " + shape);
        }
        Tensor dense = tensor.detach().contiguous();
        for (long done = 0; done < entry.bytes(); done += buffer.capacity()) {
            buffer.clear().limit((int) Math.min(buffer.capacity(), entry.bytes() - done));
            dense.copyBytes(done, buffer);
            writeFully(out, buffer.flip());
        }
    }

    private static void writeFully(FileChannel out, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    /** Renames a finished file and forces the folder, so that the name survives a crash as well. */
    static void move(Path temporary, Path file) throws IOException {
        try {
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
        }
        Path folder = file.toAbsolutePath().getParent();
        try (FileChannel directory = FileChannel.open(Objects.requireNonNull(folder), StandardOpenOption.READ)) {
            directory.force(true);
        } catch (IOException e) {
            // Windows opens no folders; there the file system journals the rename.
        }
    }
}

package org.minpro.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;

/**
 * The folder of one run: everything it needs to continue, and its results. Never overwritten; locked while the run is
 * under way.
 */
public final class RunFolder implements AutoCloseable {
    private final Path path;
    private final FileChannel channel;
    private final FileLock lock;

    private RunFolder(Path path, FileChannel channel, FileLock lock) {
        this.path = path;
        this.channel = channel;
        this.lock = lock;
    }

    /** Makes the next numbered folder, {@code 0001}, {@code 0002}, ..., under {@code parent}. */
    public static RunFolder create(Path parent) {
        try {
            Files.createDirectories(parent);
            int newest;
            try (Stream<Path> entries = Files.list(parent)) {
                newest = entries.map(entry -> entry.getFileName().toString())
                        .filter(name -> name.matches("\\d{4,9}"))
                        .mapToInt(Integer::parseInt)
                        .max()
                        .orElse(0);
            }
            for (int number = newest + 1; ; number++) {
                try {
                    return lock(Files.createDirectory(parent.resolve(String.format("%04d", number))));
                } catch (FileAlreadyExistsException e) {
                    // Another process took this number: the next one is tried.
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the folder of runs must be writable, got: " + parent, e);
        }
    }

    /** Opens the folder of a run that is to be continued. */
    public static RunFolder open(Path folder) {
        if (!Files.isRegularFile(folder.resolve("recipe.yaml"))) {
            throw new IllegalArgumentException("a run folder must have a recipe.yaml, got: " + folder
                    + (Files.isDirectory(folder) ? "" : ", which does not exist"));
        }
        return lock(folder);
    }

    /** Opens a folder of any name, made if it is not there; what is in it is the caller's to check. */
    public static RunFolder at(Path folder) {
        try {
            return lock(Files.createDirectories(folder));
        } catch (IOException e) {
            throw new UncheckedIOException("the run folder must be writable, got: " + folder, e);
        }
    }

    private static RunFolder lock(Path folder) {
        try {
            FileChannel channel =
                    FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock;
            try {
                lock = channel.tryLock();
            } catch (OverlappingFileLockException e) {
                lock = null;
            }
            if (lock == null) {
                channel.close();
                throw new IllegalStateException(
                        "a run folder must be used by one process, got: " + folder + ", which another process holds");
            }
            return new RunFolder(folder, channel, lock);
        } catch (IOException e) {
            throw new UncheckedIOException("the run folder must be writable, got: " + folder, e);
        }
    }

    public Path path() {
        return path;
    }

    /** The configuration with every setting written out. */
    public Path recipe() {
        return path.resolve("recipe.yaml");
    }

    public Path metrics() {
        return path.resolve("metrics.jsonl");
    }

    public Path journal() {
        return path.resolve("journal.jsonl");
    }

    public Path checkpoints() {
        return path.resolve("checkpoints");
    }

    /** The final model, in the layout of Hugging Face. */
    public Path model() {
        return path.resolve("model");
    }

    /** Some completions of each iteration, to be read. */
    public Path samples() {
        return path.resolve("samples.txt");
    }

    @Override
    public void close() {
        try {
            lock.release();
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

package org.minpro.rollout.served;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The folders that servers load weights from: each written beside its name, forced to disk and renamed, so that none is ever
 * seen half written; the two newest of a run are kept, in whichever of its starts they were written, and older ones for as long as
 * they are needed.
 */
final class WeightFolders {
    private static final int KEPT = 2;
    private static final String PART = ".part";

    private final Path parent;
    private final String onServer;
    private final Predicate<Path> needed;
    private final Deque<Path> written = new ArrayDeque<>();

    /**
     * @param onServer the parent's path as the servers see it; empty where it is the same
     * @param owner what the names of the run's folders begin with; other runs may write to the same parent
     * @param needed whether a server may read an older folder again
     */
    WeightFolders(Path parent, String onServer, String owner, Predicate<Path> needed) {
        this.parent = parent.toAbsolutePath().normalize();
        this.onServer = onServer;
        this.needed = needed;
        try {
            for (Path left : left(owner)) {
                if (left.getFileName().toString().endsWith(PART)) {
                    delete(left);
                } else {
                    written.addLast(left);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("rollout.weights-folder must be writable, got: " + parent, e);
        }
    }

    /** What earlier starts of the run have left, oldest first. */
    private List<Path> left(String owner) throws IOException {
        if (!Files.isDirectory(parent)) {
            return List.of();
        }
        Pattern name = Pattern.compile(Pattern.quote(owner) + "-[0-9a-f]{8}-\\d+(" + Pattern.quote(PART) + ")?");
        try (Stream<Path> entries = Files.list(parent)) {
            return entries.filter(entry ->
                            name.matcher(entry.getFileName().toString()).matches())
                    .sorted(Comparator.comparingLong(entry -> entry.toFile().lastModified()))
                    .toList();
        }
    }

    /**
     * What the names of a run's folders begin with, the same in each of its starts.
     *
     * @param own a folder that no other run has
     */
    static String owner(Path own) {
        Path file = own.resolve("owner");
        try {
            String owner = Files.exists(file) ? Files.readString(file).strip() : "";
            if (!owner.matches("[0-9a-f]{8}")) {
                Files.createDirectories(own);
                owner = UUID.randomUUID().toString().substring(0, 8);
                Files.writeString(file, owner + "\n");
            }
            return owner;
        } catch (IOException e) {
            throw new UncheckedIOException("the run's folder must be writable, got: " + file, e);
        }
    }

    /** The path of a folder as the servers see it. */
    String onServer(Path folder) {
        return onServer.isEmpty()
                ? folder.toString()
                : (onServer.endsWith("/") ? onServer : onServer + "/") + folder.getFileName();
    }

    /** @param contents writes into the folder that it is given */
    Path write(String name, Consumer<Path> contents) {
        Path folder = parent.resolve(name);
        Path part = parent.resolve(name + PART);
        try {
            Files.createDirectories(parent);
            delete(part);
            delete(folder);
            Files.createDirectory(part);
            contents.accept(part);
            try (Stream<Path> files = Files.list(part)) {
                for (Path file : files.toList()) {
                    force(file);
                }
            }
            force(part);
            Files.move(part, folder, StandardCopyOption.ATOMIC_MOVE);
            force(parent);
            written.remove(folder);
            written.addLast(folder);
            List<Path> older = new ArrayList<>(written).subList(0, Math.max(0, written.size() - KEPT));
            for (Path one : older) {
                if (!needed.test(one)) {
                    written.remove(one);
                    delete(one);
                }
            }
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException("rollout.weights-folder must be writable, got: " + folder, e);
        } finally {
            discard(part);
        }
    }

    /** Removes what was not written to its end: on a full disk it would keep the next one from being written too. */
    private static void discard(Path part) {
        try {
            delete(part);
        } catch (IOException e) {
            // The next start of the run removes it.
        }
    }

    private static void force(Path path) throws IOException {
        boolean folder = Files.isDirectory(path);
        try (FileChannel channel =
                FileChannel.open(path, folder ? StandardOpenOption.READ : StandardOpenOption.WRITE)) {
            channel.force(true);
        } catch (IOException e) {
            // Windows opens no folders.
            if (!folder) {
                throw e;
            }
        }
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        List<Path> all;
        try (Stream<Path> entries = Files.walk(folder)) {
            all = entries.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path one : all) {
            Files.deleteIfExists(one);
        }
    }
}

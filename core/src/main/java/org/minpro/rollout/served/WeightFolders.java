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
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * The folders that servers load weights from: each written beside its name, forced to disk and renamed, so that none is ever
 * seen half written; the two newest are kept, and older ones for as long as they are needed.
 */
final class WeightFolders {
    private static final int KEPT = 2;

    private final Path parent;
    private final String onServer;
    private final Predicate<Path> needed;
    private final Deque<Path> written = new ArrayDeque<>();

    /**
     * @param onServer the parent's path as the servers see it; empty where it is the same
     * @param needed whether a server may read an older folder again
     */
    WeightFolders(Path parent, String onServer, Predicate<Path> needed) {
        this.parent = parent.toAbsolutePath().normalize();
        this.onServer = onServer;
        this.needed = needed;
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
        Path part = parent.resolve(name + ".part");
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

package org.minpro.sandbox;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** The folder that a program works in; whatever the program leaves there goes with it. */
final class ProgramFolder implements AutoCloseable {
    private final Path path;
    private int moved;

    ProgramFolder() throws IOException {
        path = Files.createTempDirectory("minpro-program");
    }

    Path path() {
        return path;
    }

    /**
     * Deletes what can be deleted: what a program leaves behind changes nothing of what it is worth.
     *
     * <p>A folder is moved to the top before it is looked into, so that no path becomes too long, however deep folders lie.
     */
    @Override
    public void close() {
        Deque<Path> folders = new ArrayDeque<>();
        for (Path entry : entries(path)) {
            deleteOrKeep(entry, folders);
        }
        while (!folders.isEmpty()) {
            Path folder = folders.removeFirst();
            for (Path entry : entries(folder)) {
                deleteOrKeep(entry, folders);
            }
            delete(folder);
        }
        delete(path);
    }

    private void deleteOrKeep(Path entry, Deque<Path> folders) {
        if (!Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
            delete(entry);
            return;
        }
        permit(entry);
        Path top = path.resolve(".deleted-" + moved++);
        try {
            folders.add(Files.move(entry, top));
        } catch (IOException e) {
            folders.add(entry);
        }
    }

    private static List<Path> entries(Path folder) {
        permit(folder);
        List<Path> entries = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
            stream.forEach(entries::add);
        } catch (IOException | DirectoryIteratorException e) {
            // What cannot be listed stays.
        }
        return entries;
    }

    /** A folder's entries can be listed, moved and deleted with all permissions alone. */
    private static void permit(Path folder) {
        try {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
        } catch (IOException | UnsupportedOperationException e) {
            // Then listing says so.
        }
    }

    private static void delete(Path entry) {
        try {
            Files.delete(entry);
        } catch (IOException e) {
            // The system's temporary files are cleared by the system.
        }
    }
}

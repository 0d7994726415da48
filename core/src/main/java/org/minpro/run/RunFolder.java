package org.minpro.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * The folder of one run: everything it needs to continue, and its results. Never overwritten; locked while the run is
 * under way. A new folder in which nothing was done when it is closed is removed, with the folders made to hold it.
 */
public final class RunFolder implements AutoCloseable {
    private final Path path;
    private final RunFiles files;
    private final FileChannel channel;
    private final FileLock lock;
    private final boolean isNew;
    private final List<Path> madeParents;

    private RunFolder(Path path, FileChannel channel, FileLock lock, boolean isNew, List<Path> madeParents) {
        this.path = path;
        files = new RunFiles(path);
        this.channel = channel;
        this.lock = lock;
        this.isNew = isNew;
        this.madeParents = madeParents;
    }

    /** Makes the next numbered folder, {@code 0001}, {@code 0002}, ..., under {@code parent}. */
    public static RunFolder create(Path parent) {
        try {
            List<Path> madeParents = missing(parent);
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
                    // A run that could not begin may have removed the parent again.
                    Files.createDirectories(parent);
                    Path folder = Files.createDirectory(parent.resolve(String.format(Locale.ROOT, "%04d", number)));
                    return lock(folder, true, madeParents);
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
        Path recipe = new RunFiles(folder).recipe();
        if (!Files.isRegularFile(recipe) || recipe.toFile().length() == 0) {
            throw new IllegalArgumentException("a run folder must have a recipe.yaml, got: " + folder
                    + (Files.isDirectory(folder)
                            ? Files.exists(recipe) ? ", whose recipe.yaml is empty" : ", which has none"
                            : ", which does not exist"));
        }
        return lock(folder, false, List.of());
    }

    /** Opens a folder of any name, made if it is not there; what is in it is the caller's to check. */
    public static RunFolder at(Path folder) {
        try {
            return lock(Files.createDirectories(folder), false, List.of());
        } catch (IOException e) {
            throw new UncheckedIOException("the run folder must be writable, got: " + folder, e);
        }
    }

    /** The folders that are not there yet, innermost first. */
    private static List<Path> missing(Path folder) {
        List<Path> missing = new ArrayList<>();
        for (Path path = folder.toAbsolutePath(); path != null && Files.notExists(path); path = path.getParent()) {
            missing.add(path);
        }
        return missing;
    }

    private static RunFolder lock(Path folder, boolean isNew, List<Path> madeParents) {
        try {
            FileChannel channel =
                    FileChannel.open(new RunFiles(folder).lock(), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
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
            RunProcess.current().write(channel);
            return new RunFolder(folder, channel, lock, isNew, madeParents);
        } catch (IOException e) {
            throw new UncheckedIOException("the run folder must be writable, got: " + folder, e);
        }
    }

    public Path path() {
        return path;
    }

    /** The configuration with every setting written out. */
    public Path recipe() {
        return files.recipe();
    }

    /** The data files as they were when the run began. */
    public Path data() {
        return path.resolve("data.json");
    }

    /** Stores the configuration whole or not at all: another one in its place would be another run. */
    public void write(String recipe) {
        Path part = path.resolve("recipe.yaml.part");
        try {
            Checkpoints.write(part, recipe.getBytes(StandardCharsets.UTF_8));
            Files.move(part, recipe(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException("the run folder must be writable, got: " + path, e);
        }
    }

    /** Keeps what a person was shown before the run began, in {@code plan.txt}. */
    public void writePlan(List<String> lines) {
        try {
            Files.write(path.resolve("plan.txt"), lines);
        } catch (IOException e) {
            throw new UncheckedIOException("the run folder must be writable, got: " + path, e);
        }
    }

    /** Accuracy on held-out problems, one line for each time that it was measured. */
    public Path evaluations() {
        return files.evaluations();
    }

    public Path metrics() {
        return files.metrics();
    }

    public Path journal() {
        return files.journal();
    }

    /** The log-probabilities of the rollouts under the reference model, where there is one. */
    public Path reference() {
        return path.resolve("reference.jsonl");
    }

    /** Single tokens of some rows of each update. */
    public Path tokens() {
        return files.tokens();
    }

    public Path checkpoints() {
        return path.resolve("checkpoints");
    }

    /** The final model, in the layout of Hugging Face. */
    public Path model() {
        return files.model();
    }

    /** The final adapter where one was trained, in the layout of PEFT. */
    public Path adapter() {
        return files.adapter();
    }

    /** Some completions of each iteration, to be read. */
    public Path samples() {
        return path.resolve("samples.txt");
    }

    /** What was said to a person, one line of JSON each: {@code time}, {@code iteration}, {@code line}. */
    public Path notices() {
        return path.resolve("notices.jsonl");
    }

    /** The answers of an evaluation, in the form of the journal. */
    public Path answers(long iterationsDone) {
        return path.resolve("answers").resolve("iteration-" + iterationsDone + ".jsonl");
    }

    /** The failures of the reward's own: each kind once, with its trace and the response. */
    public Path rewardFailures() {
        return path.resolve("reward-failures.txt");
    }

    /**
     * Whether this is a new folder and nothing was done in it yet: no response, no update, no checkpoint. Such a folder
     * does not outlive {@link #close}.
     */
    public boolean isUnused() {
        if (!isNew) {
            return false;
        }
        return Stream.of(evaluations(), metrics(), journal(), samples(), rewardFailures(), checkpoints(), model())
                .noneMatch(this::holdsSomething);
    }

    private boolean holdsSomething(Path result) {
        if (Files.notExists(result)) {
            return false;
        }
        try (Stream<Path> entries = Files.walk(result)) {
            return entries.anyMatch(
                    file -> Files.isRegularFile(file) && file.toFile().length() > 0);
        } catch (IOException e) {
            throw new UncheckedIOException("the run folder must be readable, got: " + path, e);
        }
    }

    @Override
    public void close() {
        if (!channel.isOpen()) {
            return;
        }
        try {
            boolean unused = isUnused();
            if (unused) {
                remove(file -> !file.equals(path) && !file.equals(files.lock()));
            }
            // What stands in it says who works on the run: nobody now.
            channel.truncate(0);
            lock.release();
            channel.close();
            if (unused) {
                remove(file -> true);
                removeMadeParents();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the run folder must be writable, got: " + path, e);
        }
    }

    private void removeMadeParents() throws IOException {
        try {
            for (Path parent : madeParents) {
                Files.deleteIfExists(parent);
            }
        } catch (DirectoryNotEmptyException e) {
            // Somebody else put something there meanwhile.
        }
    }

    private void remove(Predicate<Path> chosen) throws IOException {
        List<Path> files;
        try (Stream<Path> entries = Files.walk(path)) {
            files = entries.filter(chosen).sorted(Comparator.reverseOrder()).toList();
        }
        for (Path file : files) {
            Files.deleteIfExists(file);
        }
    }
}

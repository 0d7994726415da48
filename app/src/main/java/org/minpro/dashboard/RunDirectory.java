package org.minpro.dashboard;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.minpro.run.RunFiles;

/** The runs below a folder, by their paths in it; the folder may be a run itself. */
public final class RunDirectory {
    /** A study has its runs two folders below. */
    private static final int DEPTH = 4;

    /** Folders of a run, in which no other run is. */
    private static final Set<String> INSIDE = Set.of("checkpoints", "model", "answers", "tensorboard", "wandb");

    private final Path root;
    private final Map<String, Known> known = new ConcurrentHashMap<>();

    private record Known(Stamp stamp, RunSummary summary) {}

    /** What a summary depends on. */
    private record Stamp(FileTime recipe, long metricsBytes, FileTime metrics, long lockBytes) {
        static Stamp of(Path folder) throws IOException {
            RunFiles files = new RunFiles(folder);
            Path metrics = files.metrics();
            Path lock = files.lock();
            boolean there = Files.exists(metrics);
            return new Stamp(
                    Files.getLastModifiedTime(files.recipe()),
                    there ? Files.size(metrics) : 0,
                    there ? Files.getLastModifiedTime(metrics) : FileTime.fromMillis(0),
                    Files.exists(lock) ? Files.size(lock) : 0);
        }
    }

    /** @param root of the runs, or a run */
    public RunDirectory(Path root) {
        this.root = root.toAbsolutePath().normalize();
        if (!Files.isDirectory(this.root)) {
            throw new IllegalArgumentException("runs must be a folder of runs or a run's folder, got: " + root
                    + ", which does not exist; minpro train makes runs/0001");
        }
    }

    public Path root() {
        return root;
    }

    /** All runs by their names, sorted. */
    public Map<String, RunView> runs() {
        Map<String, RunView> runs = new TreeMap<>();
        if (RunView.isRun(root)) {
            runs.put(String.valueOf(root.getFileName()), new RunView(root));
            return runs;
        }
        try {
            Files.walkFileTree(root, Set.of(), DEPTH, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
                    if (folder.equals(root)) {
                        return FileVisitResult.CONTINUE;
                    }
                    String name = String.valueOf(folder.getFileName());
                    if (name.startsWith(".") || INSIDE.contains(name)) {
                        return FileVisitResult.SKIP_SUBTREE;
                    }
                    if (RunView.isRun(folder)) {
                        runs.put(root.relativize(folder).toString().replace('\\', '/'), new RunView(folder));
                        return FileVisitResult.SKIP_SUBTREE;
                    }
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFileFailed(Path file, IOException failure) {
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException("the folder of runs must be readable, got: " + root, e);
        }
        return runs;
    }

    /** A run by its name; only names that {@link #runs} gives are known. */
    public Optional<RunView> run(String name) {
        if (RunView.isRun(root)) {
            return Optional.ofNullable(runs().get(name));
        }
        Path folder;
        try {
            folder = root.resolve(name).normalize();
        } catch (java.nio.file.InvalidPathException e) {
            return Optional.empty();
        }
        boolean below = folder.startsWith(root) && !folder.equals(root);
        return below && root.relativize(folder).toString().replace('\\', '/').equals(name) && RunView.isRun(folder)
                ? Optional.of(new RunView(folder))
                : Optional.empty();
    }

    /** What the list of runs shows of one; read again where its files have changed. */
    public RunSummary summary(String name, RunView run) {
        try {
            Stamp stamp = Stamp.of(run.folder());
            Known before = known.get(name);
            if (before != null
                    && before.stamp.equals(stamp)
                    && !before.summary.state().equals(RunState.RUNNING)) {
                return before.summary;
            }
            RunSummary summary = RunSummary.of(name, run);
            known.put(name, new Known(stamp, summary));
            return summary;
        } catch (IOException e) {
            return RunSummary.of(name, run);
        }
    }
}

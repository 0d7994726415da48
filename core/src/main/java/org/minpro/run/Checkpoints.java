package org.minpro.run;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.minpro.model.SafetensorsFile;
import org.minpro.tensor.Tensor;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The checkpoints of a run, the last few of them.
 *
 * <p>A checkpoint is written to a temporary folder, hashed, forced to disk and renamed, so one that has its name is whole;
 * its hashes are checked all the same when it is read, and a damaged one is passed over for the one before.
 */
public final class Checkpoints {
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
    private static final String MANIFEST = "manifest.json";
    private static final String STATE = "state.json";
    private static final String WEIGHTS = "weights.safetensors";
    private static final String OPTIMIZER = "optimizer.safetensors";
    private static final String REFERENCE = "reference.safetensors";

    private static final List<String> REQUIRED = List.of(WEIGHTS, OPTIMIZER, STATE);

    private final Path folder;
    private final int keep;

    /** @param keep how many of the newest stay */
    public Checkpoints(Path folder, int keep) {
        if (keep < 1) {
            throw new IllegalArgumentException("checkpoints kept must be >= 1, got: " + keep);
        }
        this.folder = folder;
        this.keep = keep;
    }

    /** A checkpoint that was found whole. */
    public record Checkpoint(Path path, long iteration, JsonNode state) {
        /** Overwrites weights and optimizer state with the stored ones. */
        public void load(Map<String, Tensor> weights, Map<String, Tensor> optimizer) {
            read(path.resolve(WEIGHTS), weights);
            read(path.resolve(OPTIMIZER), optimizer);
        }

        /**
         * Overwrites weights with the stored ones, and gives the optimizer's to be read one by one.
         *
         * @param optimizer takes what reads a tensor by its name, inside an open scope
         */
        void load(Map<String, Tensor> weights, Consumer<Function<String, Tensor>> optimizer) {
            read(path.resolve(WEIGHTS), weights);
            try (SafetensorsFile stored = SafetensorsFile.open(path.resolve(OPTIMIZER))) {
                optimizer.accept(stored::read);
            }
        }

        /** Overwrites weights with the stored ones. */
        void loadWeights(Map<String, Tensor> weights) {
            read(path.resolve(WEIGHTS), weights);
        }

        /** Overwrites the weights of a reference model with the stored ones. */
        void loadReference(Map<String, Tensor> weights) {
            read(path.resolve(REFERENCE), weights);
        }

        private static void read(Path file, Map<String, Tensor> targets) {
            try (SafetensorsFile stored = SafetensorsFile.open(file);
                    org.minpro.tensor.Scope scope = org.minpro.tensor.Scope.open()) {
                targets.forEach((name, tensor) -> tensor.copyInPlace(stored.read(name)));
            }
        }
    }

    /**
     * Saves a checkpoint and removes the ones that are too old.
     *
     * @param iteration the next iteration
     * @param state anything that JSON can hold
     */
    public void save(
            long iteration,
            SequencedMap<String, Tensor> weights,
            SequencedMap<String, Tensor> optimizer,
            JsonNode state) {
        save(
                iteration,
                SafetensorsFile.Content.of(weights),
                SafetensorsFile.Content.of(optimizer),
                SafetensorsFile.Content.of(new LinkedHashMap<>()),
                state);
    }

    /**
     * The same with the weights of a reference model that changes, and tensors that are made one at a time.
     *
     * @param reference none where there is no such model
     */
    void save(
            long iteration,
            SafetensorsFile.Content weights,
            SafetensorsFile.Content optimizer,
            SafetensorsFile.Content reference,
            JsonNode state) {
        Path whole = folder.resolve(name(iteration));
        if (Files.exists(whole.resolve(MANIFEST))) {
            return;
        }
        Path part = folder.resolve(name(iteration) + ".part");
        try {
            Files.createDirectories(folder);
            delete(part);
            delete(whole);
            Files.createDirectory(part);
            SafetensorsFile.write(part.resolve(WEIGHTS), weights);
            SafetensorsFile.write(part.resolve(OPTIMIZER), optimizer);
            write(part.resolve(STATE), JSON.writeValueAsBytes(state));
            List<String> files = new ArrayList<>(REQUIRED);
            if (!reference.isEmpty()) {
                SafetensorsFile.write(part.resolve(REFERENCE), reference);
                files.add(REFERENCE);
            }
            ObjectNode manifest = JSON.createObjectNode();
            for (String file : files) {
                manifest.put(file, hash(part.resolve(file)));
            }
            write(part.resolve(MANIFEST), JSON.writeValueAsBytes(manifest));
            force(part);
            Files.move(part, whole, StandardCopyOption.ATOMIC_MOVE);
            force(folder);
            prune();
        } catch (IOException e) {
            throw new UncheckedIOException("a checkpoint must be writable, got: " + whole, e);
        }
    }

    /**
     * The newest whole checkpoint; damaged ones that are newer are renamed to {@code *.damaged}, so that the run can save
     * those iterations again.
     *
     * @param damaged told, in one line, of each newer one that was passed over
     */
    public Optional<Checkpoint> newest(Consumer<String> damaged) {
        for (Path candidate : all()) {
            try {
                JsonNode manifest = JSON.readTree(Files.readAllBytes(candidate.resolve(MANIFEST)));
                Set<String> files = new LinkedHashSet<>(REQUIRED);
                files.addAll(manifest.propertyNames());
                for (String file : files) {
                    if (!hash(candidate.resolve(file))
                            .equals(manifest.path(file).stringValue(""))) {
                        throw new IOException(file + " does not have the hash of the manifest");
                    }
                }
                return Optional.of(new Checkpoint(
                        candidate,
                        Long.parseLong(candidate.getFileName().toString().substring("iteration-".length())),
                        JSON.readTree(Files.readAllBytes(candidate.resolve(STATE)))));
            } catch (IOException | JacksonException e) {
                damaged.accept("checkpoint " + candidate + " is damaged and passed over: " + e.getMessage());
                setAside(candidate);
            }
        }
        return Optional.empty();
    }

    private void setAside(Path checkpoint) {
        Path aside = folder.resolve(checkpoint.getFileName() + ".damaged");
        try {
            delete(aside);
            Files.move(checkpoint, aside, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException("a damaged checkpoint must be renamable, got: " + checkpoint, e);
        }
    }

    /** Folders with a checkpoint's name, newest first. */
    private List<Path> all() {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.filter(entry -> entry.getFileName().toString().matches("iteration-\\d+"))
                    .sorted(Comparator.comparing(
                                    (Path entry) -> entry.getFileName().toString())
                            .reversed())
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void prune() throws IOException {
        List<Path> all = all();
        for (Path old : all.subList(Math.min(keep, all.size()), all.size())) {
            // Without its manifest it is no checkpoint any more, should the removal be interrupted.
            Files.deleteIfExists(old.resolve(MANIFEST));
            delete(old);
        }
    }

    private static String name(long iteration) {
        return String.format(Locale.ROOT, "iteration-%09d", iteration);
    }

    /** Writes a file that survives a loss of power. */
    static void write(Path file, byte[] bytes) throws IOException {
        Files.write(file, bytes);
        force(file);
    }

    private static void force(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (IOException e) {
            // Windows can not open a folder; a folder's entries are then as durable as that system makes them.
            if (!Files.isDirectory(path)) {
                throw e;
            }
        }
    }

    private static void delete(Path path) throws IOException {
        if (!Files.exists(path)) {
            return;
        }
        List<Path> paths = new ArrayList<>();
        try (Stream<Path> walk = Files.walk(path)) {
            walk.forEach(paths::add);
        }
        for (Path entry : paths.reversed()) {
            Files.delete(entry);
        }
    }

    private static String hash(Path file) throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
                byte[] buffer = new byte[1 << 16];
                int read;
                do {
                    read = in.read(buffer);
                } while (read >= 0);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A state object from names and values, for callers without a JSON library of their own. */
    public static JsonNode state(Map<String, ?> values) {
        return JSON.valueToTree(new LinkedHashMap<>(values));
    }
}

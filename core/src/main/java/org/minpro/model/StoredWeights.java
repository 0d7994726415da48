package org.minpro.model;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.DType;

/**
 * Where the weights of a Hugging Face folder lie: which stored tensors hold which parameter.
 *
 * <p>Parameters have the names of {@link ModelConfig#parameterShapes}; experts are stacked there, whether a checkpoint
 * stores them one by one (as transformers writes them) or fused ({@code mlp.experts.gate_up_proj}, {@code
 * mlp.experts.down_proj}).
 *
 * @param pieces of each parameter, in the order of its elements
 * @param tiedCopy the head, where it is stored beside the embedding that it equals
 */
record StoredWeights(
        SequencedMap<String, List<Piece>> pieces, @Nullable Stored tiedCopy) {
    static final String SINGLE_FILE = "model.safetensors";
    static final String INDEX_FILE = "model.safetensors.index.json";
    static final String EMBEDDING = "model.embed_tokens.weight";
    static final String HEAD = "lm_head.weight";
    /** Buffers that old versions of transformers stored; they follow from the configuration. */
    private static final Pattern LEFTOVER = Pattern.compile("(.*\\.)?rotary_emb\\.inv_freq|.*\\.attn\\.(masked_)?bias");

    /** A stored tensor. */
    record Stored(Path file, String name, DType dtype, List<Long> shape) {}

    /** Where a parameter's elements from {@code target} on come from: {@code count} of a stored tensor. */
    record Piece(Stored stored, long start, long target, long count) {}

    /**
     * Finds a model's weights in its folder.
     *
     * @throws ModelFormatException if anything is missing, left over, of another shape, truncated or not supported
     */
    static StoredWeights find(Path folder, ModelConfig config) {
        Map<String, Stored> stored = storedTensors(folder);
        Matching matching = new Matching(folder, stored);
        SequencedMap<String, List<Piece>> pieces = new LinkedHashMap<>();
        boolean headStored = config.tieWordEmbeddings() && stored.containsKey(HEAD);
        config.parameterShapes().forEach((name, shape) -> {
            if (name.contains(".mlp.experts.")) {
                pieces.put(name, matching.experts(name, shape));
            } else if (name.equals(EMBEDDING) && headStored && !stored.containsKey(EMBEDDING)) {
                pieces.put(name, matching.whole(HEAD, shape));
            } else {
                pieces.put(name, matching.whole(name, shape));
            }
        });
        Stored tiedCopy = null;
        if (headStored && stored.containsKey(EMBEDDING)) {
            long[] shape = {config.vocabSize(), config.hiddenSize()};
            tiedCopy = matching.whole(HEAD, shape).getFirst().stored();
            matching.requireComplete();
            requireEqual(Objects.requireNonNull(stored.get(EMBEDDING)), tiedCopy);
        }
        matching.requireComplete();
        return new StoredWeights(Collections.unmodifiableSequencedMap(pieces), tiedCopy);
    }

    /** The element type of the first parameter. */
    DType firstType() {
        return pieces.firstEntry().getValue().getFirst().stored().dtype();
    }

    /** Whether all elements are of a type. */
    boolean areAll(DType type) {
        return pieces.values().stream()
                .flatMap(List::stream)
                .allMatch(piece -> piece.stored().dtype() == type);
    }

    private static Map<String, Stored> storedTensors(Path folder) {
        Path single = folder.resolve(SINGLE_FILE);
        if (Files.exists(single)) {
            Map<String, Stored> stored = new LinkedHashMap<>();
            addTensors(single, stored);
            return stored;
        }
        Path index = folder.resolve(INDEX_FILE);
        if (!Files.exists(index)) {
            boolean pickle = Files.exists(folder.resolve("pytorch_model.bin"))
                    || Files.exists(folder.resolve("pytorch_model.bin.index.json"));
            throw new ModelFormatException(
                    folder,
                    "must hold " + SINGLE_FILE + " or " + INDEX_FILE + ", got: neither"
                            + (pickle ? "; pytorch_model.bin is not read, save the model again as safetensors" : ""));
        }
        return shards(folder, index);
    }

    private static Map<String, Stored> shards(Path folder, Path index) {
        JsonObjectFile map = JsonObjectFile.read(index).object("weight_map");
        if (map == null) {
            throw new ModelFormatException(index, "weight_map must be an object, got: nothing");
        }
        Map<String, String> fileOf = new LinkedHashMap<>();
        for (String name : map.keys()) {
            String file = Objects.requireNonNullElse(map.text(name), "");
            // A name with a path could read, or make a later save replace, a file outside the folder.
            if (!file.endsWith(".safetensors") || file.contains("/") || file.contains("\\")) {
                throw map.refusal(name, "the name of a .safetensors file in this folder");
            }
            fileOf.put(name, file);
        }
        Map<String, Stored> stored = new LinkedHashMap<>();
        for (String file : new TreeSet<>(fileOf.values())) {
            addTensors(folder.resolve(file), stored);
        }
        fileOf.forEach((name, file) -> {
            Stored tensor = stored.get(name);
            if (tensor == null || !tensor.file().equals(folder.resolve(file))) {
                throw map.refusal(name, "a file that holds this tensor");
            }
        });
        return stored;
    }

    private static void addTensors(Path file, Map<String, Stored> stored) {
        try (SafetensorsFile open = SafetensorsFile.open(file)) {
            open.header().tensors().forEach((name, entry) -> {
                Stored tensor = new Stored(file, name, entry.dtype(), entry.shape());
                Stored other = stored.put(name, tensor);
                if (other != null) {
                    throw new ModelFormatException(
                            file,
                            "tensor " + name + " must be stored once, got: also in "
                                    + other.file().getFileName());
                }
            });
        }
    }

    /** The comparison of what is stored with what the configuration asks for. */
    private static final class Matching {
        private final Path folder;
        private final Map<String, Stored> stored;
        private final Set<String> used = new HashSet<>();
        private final List<String> missing = new ArrayList<>();

        Matching(Path folder, Map<String, Stored> stored) {
            this.folder = folder;
            this.stored = stored;
        }

        List<Piece> whole(String name, long[] shape) {
            Stored tensor = find(name, shape);
            return tensor == null ? List.of() : List.of(new Piece(tensor, 0, 0, elements(shape)));
        }

        /** One tensor per expert, or all experts in one; there the gate comes before the up projection. */
        List<Piece> experts(String name, long[] shape) {
            String layer = name.substring(0, name.indexOf(".mlp.experts.")) + ".mlp.experts.";
            String projection = name.substring(layer.length(), name.length() - ".weight".length());
            long experts = shape[0];
            long perExpert = shape[1] * shape[2];
            boolean down = projection.equals("down_proj");
            String fusedName = layer + (down ? "down_proj" : "gate_up_proj");
            List<Piece> pieces = new ArrayList<>();
            if (stored.containsKey(fusedName)) {
                Stored fused = find(fusedName, down ? shape : new long[] {experts, 2 * shape[1], shape[2]});
                if (fused == null || down) {
                    return fused == null ? List.of() : List.of(new Piece(fused, 0, 0, experts * perExpert));
                }
                long first = projection.equals("up_proj") ? perExpert : 0;
                for (long expert = 0; expert < experts; expert++) {
                    pieces.add(new Piece(fused, 2 * expert * perExpert + first, expert * perExpert, perExpert));
                }
                return pieces;
            }
            for (long expert = 0; expert < experts; expert++) {
                Stored tensor = find(layer + expert + "." + projection + ".weight", new long[] {shape[1], shape[2]});
                if (tensor != null) {
                    pieces.add(new Piece(tensor, 0, expert * perExpert, perExpert));
                }
            }
            return pieces;
        }

        private @Nullable Stored find(String name, long[] shape) {
            Stored tensor = stored.get(name);
            if (tensor == null) {
                missing.add(name);
                return null;
            }
            used.add(name);
            List<Long> expected = Arrays.stream(shape).boxed().toList();
            if (!tensor.shape().equals(expected)) {
                throw new ModelFormatException(
                        tensor.file(),
                        "tensor " + name + " must have the shape " + expected + " that config.json asks for, got: "
                                + tensor.shape());
            }
            if (!tensor.dtype().isFloating()) {
                throw new ModelFormatException(
                        tensor.file(), "tensor " + name + " must be F32, F16 or BF16, got: " + tensor.dtype());
            }
            return tensor;
        }

        void requireComplete() {
            if (!missing.isEmpty()) {
                throw new ModelFormatException(
                        folder,
                        "weights must hold every tensor that config.json asks for, got: no " + missing.getFirst()
                                + others(missing.size()));
            }
            List<String> extra = stored.keySet().stream()
                    .filter(name ->
                            !used.contains(name) && !LEFTOVER.matcher(name).matches())
                    .toList();
            if (!extra.isEmpty()) {
                Stored first = Objects.requireNonNull(stored.get(extra.getFirst()));
                throw new ModelFormatException(
                        first.file(),
                        "tensor " + first.name() + " must be one that config.json asks for, got: an extra one of shape "
                                + first.shape() + others(extra.size()));
            }
        }

        private static String others(int count) {
            return count == 1 ? "" : " (and " + (count - 1) + " others)";
        }
    }

    private static long elements(long[] shape) {
        return Arrays.stream(shape).reduce(1, Math::multiplyExact);
    }

    private static void requireEqual(Stored first, Stored second) {
        boolean equal = first.dtype() == second.dtype();
        try (SafetensorsFile one = SafetensorsFile.open(first.file());
                SafetensorsFile two = SafetensorsFile.open(second.file())) {
            long bytes =
                    elements(first.shape().stream().mapToLong(Long::longValue).toArray())
                            * first.dtype().bytes();
            for (long done = 0; equal && done < bytes; done += 1 << 20) {
                ByteBuffer left = ByteBuffer.allocate((int) Math.min(1 << 20, bytes - done));
                ByteBuffer right = ByteBuffer.allocate(left.capacity());
                one.readBytes(first.name(), done, left);
                two.readBytes(second.name(), done, right);
                equal = left.equals(right);
            }
        }
        if (!equal) {
            // Versions of transformers disagree: 4 ties nevertheless, 5 does not.
            throw new ModelFormatException(
                    second.file(),
                    "tensor " + second.name() + " must equal " + first.name()
                            + " where tie_word_embeddings is true, got: other bytes");
        }
    }
}

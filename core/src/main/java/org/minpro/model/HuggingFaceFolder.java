package org.minpro.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
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
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * A folder with a model in the layout of Hugging Face: {@code config.json}, the weights in one or many {@code
 * .safetensors}, and the tokenizer's files.
 *
 * <p>Opening reads and checks everything but the numbers: the configuration, every file's header, and that the tensors
 * are those which the configuration asks for, in name and shape. Parameters have the names of {@link
 * ModelConfig#parameterShapes}; experts are stacked there, whether a checkpoint stores them one by one (as transformers
 * writes them) or fused ({@code mlp.experts.gate_up_proj}, {@code mlp.experts.down_proj}).
 */
public final class HuggingFaceFolder {
    private static final String SINGLE_FILE = "model.safetensors";
    private static final String INDEX_FILE = "model.safetensors.index.json";
    private static final String EMBEDDING = "model.embed_tokens.weight";
    private static final String HEAD = "lm_head.weight";
    /** Buffers that old versions of transformers stored; they follow from the configuration. */
    private static final Pattern LEFTOVER = Pattern.compile("(.*\\.)?rotary_emb\\.inv_freq|.*\\.attn\\.(masked_)?bias");
    /** What belongs to a model beside its weights. */
    private static final List<String> COMPANIONS = List.of(
            "generation_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "added_tokens.json",
            "vocab.json",
            "merges.txt",
            "tokenizer.model",
            "chat_template.jinja",
            "chat_template.json",
            "LICENSE",
            "LICENSE.txt",
            "LICENSE.md",
            "NOTICE",
            "USE_POLICY.md",
            "config.json");

    /** A stored tensor. */
    private record Stored(Path file, String name, DType dtype, List<Long> shape) {}

    /** Where a parameter's elements from {@code target} on come from: {@code count} of a stored tensor. */
    private record Piece(Stored stored, long start, long target, long count) {}

    private final Path folder;
    private final ModelConfig config;
    private final SequencedMap<String, List<Piece>> pieces;
    private final @Nullable Stored tiedCopy;

    private HuggingFaceFolder(
            Path folder, ModelConfig config, SequencedMap<String, List<Piece>> pieces, @Nullable Stored tiedCopy) {
        this.folder = folder;
        this.config = config;
        this.pieces = pieces;
        this.tiedCopy = tiedCopy;
    }

    /**
     * Opens a folder named on a command line.
     *
     * @throws ModelFormatException if it is no folder, saying what has to be fetched, or is not a sound model
     */
    public static HuggingFaceFolder open(String folder) {
        return open(Path.of(folder));
    }

    /**
     * Opens a folder.
     *
     * @throws ModelFormatException if it is no folder, or anything in it is missing, left over, of another shape,
     *     truncated or not supported
     */
    public static HuggingFaceFolder open(Path folder) {
        requireFolder(folder);
        ModelConfigReader.Result read = ModelConfigReader.read(folder);
        Map<String, Stored> stored = storedTensors(folder);
        return match(folder, read, stored);
    }

    /**
     * Checks that a model is a folder; models are not downloaded.
     *
     * @throws ModelFormatException saying which files are needed and how to get them
     */
    public static void requireFolder(Path folder) {
        // An empty path is the current folder, which nobody means by an empty name.
        boolean unnamed = folder.toString().isEmpty();
        if (Files.isDirectory(folder) && !unnamed) {
            return;
        }
        String name = folder.toString().replace('\\', '/');
        boolean hubName = !folder.isAbsolute() && name.matches("[\\w.-]+/[\\w.-]+") && !name.startsWith(".");
        throw new ModelFormatException(
                folder,
                "model must be a folder with config.json, model.safetensors (or " + INDEX_FILE
                        + " and its shards), tokenizer.json, tokenizer_config.json and generation_config.json, got: "
                        + (unnamed ? "an empty name" : Files.exists(folder) ? "a file" : "no such folder")
                        + (hubName
                                ? "; nothing is downloaded here, get it with `hf download " + name + " --local-dir "
                                        + name.substring(name.indexOf('/') + 1)
                                        + "` or `git clone https://huggingface.co/" + name + "` and give that folder"
                                : ""));
    }

    // ---- reading --------------------------------------------------------------------------------------------------

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

    private static HuggingFaceFolder match(Path folder, ModelConfigReader.Result read, Map<String, Stored> stored) {
        ModelConfig config = read.config();
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
        DType storedDType =
                pieces.values().iterator().next().getFirst().stored().dtype();
        return new HuggingFaceFolder(
                folder, read.dtypeGiven() ? config : config.withStoredDType(storedDType), pieces, tiedCopy);
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

    // ---- what is in it --------------------------------------------------------------------------------------------

    public Path path() {
        return folder;
    }

    public ModelConfig config() {
        return config;
    }

    /** Whether all weights are stored in a type. */
    public boolean isStoredIn(DType type) {
        return pieces.values().stream()
                .flatMap(List::stream)
                .allMatch(piece -> piece.stored().dtype() == type);
    }

    /** How the model's makers sample from it. */
    public GenerationDefaults generationDefaults() {
        Path file = folder.resolve("generation_config.json");
        if (!Files.exists(file)) {
            return new GenerationDefaults(null, null, null, null, null);
        }
        JsonObjectFile keys = JsonObjectFile.read(file);
        return new GenerationDefaults(
                keys.flag("do_sample"),
                keys.number("temperature"),
                keys.integer("top_k"),
                keys.number("top_p"),
                keys.number("min_p"));
    }

    /**
     * Reads the weights, converted to a dtype, in the order of {@link ModelConfig#parameterShapes}.
     *
     * <p>The tensors are {@linkplain Tensor#retain retained}: they belong to the caller, who closes them.
     *
     * @param compute F32, BF16 or F64
     */
    public SequencedMap<String, Tensor> load(DType compute) {
        if (!compute.isFloating()) {
            throw new IllegalArgumentException("compute dtype must be F32, BF16 or F64, got: " + compute);
        }
        SequencedMap<String, Tensor> parameters = new LinkedHashMap<>();
        boolean complete = false;
        try (Scope scope = Scope.open()) {
            config.parameterShapes()
                    .forEach((name, shape) ->
                            parameters.put(name, Tensor.empty(compute, shape).retain()));
            load(parameters);
            complete = true;
        } finally {
            if (!complete) {
                parameters.values().forEach(Tensor::close);
            }
        }
        return Collections.unmodifiableSequencedMap(parameters);
    }

    /**
     * Overwrites parameters with the weights, each converted to its parameter's dtype.
     *
     * @param parameters with the names and shapes of {@link ModelConfig#parameterShapes}; contiguous, or views whose
     *     entries of the first dimension are
     */
    public void load(Map<String, Tensor> parameters) {
        requireParameters(config, parameters);
        Map<Path, SafetensorsFile> files = new HashMap<>();
        try {
            pieces.forEach((name, parts) -> {
                Tensor parameter = Objects.requireNonNull(parameters.get(name));
                for (Piece piece : parts) {
                    try (Scope scope = Scope.open()) {
                        Tensor part = piece.count() == parameter.elements()
                                ? parameter
                                : parameter.select(0, piece.target() / piece.count());
                        files.computeIfAbsent(piece.stored().file(), SafetensorsFile::open)
                                .readInto(piece.stored().name(), piece.start(), part);
                    }
                }
            });
        } finally {
            files.values().forEach(SafetensorsFile::close);
        }
    }

    // ---- writing --------------------------------------------------------------------------------------------------

    /**
     * Writes parameters as this folder stores them, with the same tensor names and element types, into another folder,
     * and copies {@code config.json}, the tokenizer's files and the licence: unchanged parameters give unchanged tensors.
     *
     * @param parameters with the names and shapes of {@link ModelConfig#parameterShapes}, of any dtype
     */
    public void save(Path target, Map<String, Tensor> parameters) {
        requireParameters(config, parameters);
        SequencedMap<String, SafetensorsHeader.Entry> shapes = new LinkedHashMap<>();
        Map<String, Map<String, Piece>> partsOf = new HashMap<>();
        pieces.forEach((parameter, parts) -> {
            for (Piece piece : parts) {
                Stored stored = piece.stored();
                shapes.putIfAbsent(stored.name(), new SafetensorsHeader.Entry(stored.dtype(), stored.shape(), 0, 0));
                // Of a fused tensor's many pieces per parameter the first tells which half is whose.
                partsOf.computeIfAbsent(stored.name(), name -> new LinkedHashMap<>())
                        .putIfAbsent(parameter, piece);
            }
        });
        if (tiedCopy != null) {
            Piece embedding = Objects.requireNonNull(pieces.get(EMBEDDING)).getFirst();
            shapes.put(HEAD, new SafetensorsHeader.Entry(tiedCopy.dtype(), tiedCopy.shape(), 0, 0));
            partsOf.put(HEAD, Map.of(EMBEDDING, embedding));
        }
        writeWeights(target, shapes, name -> {
            SafetensorsHeader.Entry entry = Objects.requireNonNull(shapes.get(name));
            Map<String, Piece> parts = Objects.requireNonNull(partsOf.get(name));
            return assemble(parameters, parts, entry);
        });
        copyCompanions(target);
    }

    private static Tensor assemble(
            Map<String, Tensor> parameters, Map<String, Piece> parts, SafetensorsHeader.Entry entry) {
        List<Tensor> tensors = new ArrayList<>();
        parts.forEach((parameter, piece) -> {
            Tensor tensor = Objects.requireNonNull(parameters.get(parameter)).detach();
            // One expert of a stack, or the whole parameter.
            boolean oneOfMany = parts.size() == 1 && piece.count() < tensor.elements();
            tensors.add((oneOfMany ? tensor.select(0, piece.target() / piece.count()) : tensor).to(entry.dtype()));
        });
        Tensor joined = tensors.size() == 1 ? tensors.getFirst() : Tensor.concatenate(tensors, 1);
        return joined.reshape(entry.shape().stream().mapToLong(Long::longValue).toArray());
    }

    /**
     * Writes a model that came from no folder: {@code config.json} and the weights in {@link ModelConfig#storedDType},
     * experts one by one, as every version of transformers reads them. The tokenizer's files are the caller's.
     *
     * @param parameters with the names and shapes of {@link ModelConfig#parameterShapes}, of any dtype
     */
    public static void write(Path target, ModelConfig config, Map<String, Tensor> parameters) {
        requireParameters(config, parameters);
        SequencedMap<String, SafetensorsHeader.Entry> shapes = new LinkedHashMap<>();
        Map<String, String> parameterOf = new HashMap<>();
        config.parameterShapes().forEach((name, shape) -> {
            int experts = name.indexOf(".mlp.experts.");
            if (experts < 0) {
                shapes.put(name, SafetensorsFile.unplaced(config.storedDType(), shape));
                return;
            }
            int prefix = experts + ".mlp.experts.".length();
            for (long expert = 0; expert < shape[0]; expert++) {
                String one = name.substring(0, prefix) + expert + "." + name.substring(prefix);
                shapes.put(one, SafetensorsFile.unplaced(config.storedDType(), new long[] {shape[1], shape[2]}));
                parameterOf.put(one, name);
            }
        });
        writeWeights(target, shapes, name -> {
            String stacked = parameterOf.get(name);
            if (stacked == null) {
                return Objects.requireNonNull(parameters.get(name)).detach().to(config.storedDType());
            }
            int begin = stacked.indexOf(".mlp.experts.") + ".mlp.experts.".length();
            long expert = Long.parseLong(name.substring(begin, name.indexOf('.', begin)));
            return Objects.requireNonNull(parameters.get(stacked))
                    .detach()
                    .select(0, expert)
                    .to(config.storedDType());
        });
        writeText(target.resolve("config.json"), config.json());
    }

    private static void requireParameters(ModelConfig config, Map<String, Tensor> parameters) {
        SequencedMap<String, long[]> shapes = config.parameterShapes();
        shapes.forEach((name, shape) -> {
            Tensor tensor = parameters.get(name);
            if (tensor == null || !Arrays.equals(tensor.shape(), shape)) {
                throw new IllegalArgumentException(
                        "parameter " + name + " must have the shape " + Arrays.toString(shape) + ", got: "
                                + (tensor == null ? "nothing" : Arrays.toString(tensor.shape())));
            }
        });
        for (String name : parameters.keySet()) {
            if (!shapes.containsKey(name)) {
                throw new IllegalArgumentException("parameters must be those of the configuration, got: " + name);
            }
        }
    }

    private static void writeWeights(
            Path target, SequencedMap<String, SafetensorsHeader.Entry> shapes, SafetensorsFile.Source source) {
        try {
            Files.createDirectories(target);
        } catch (IOException e) {
            throw new UncheckedIOException(target + ": cannot be made: " + e.getMessage(), e);
        }
        SafetensorsFile.write(target.resolve(SINGLE_FILE), shapes, Map.of("format", "pt"), source);
    }

    private void copyCompanions(Path target) {
        for (String name : COMPANIONS) {
            Path source = folder.resolve(name);
            Path copy = target.resolve(name);
            try {
                if (Files.isRegularFile(source) && !(Files.exists(copy) && Files.isSameFile(source, copy))) {
                    Path temporary = target.resolve(name + ".part");
                    Files.copy(source, temporary, StandardCopyOption.REPLACE_EXISTING);
                    SafetensorsFile.move(temporary, copy);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(copy + ": cannot be written: " + e.getMessage(), e);
            }
        }
    }

    private static void writeText(Path file, String text) {
        Path temporary = file.resolveSibling(file.getFileName() + ".part");
        try {
            Files.write(temporary, text.getBytes(StandardCharsets.UTF_8));
            SafetensorsFile.move(temporary, file);
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": cannot be written: " + e.getMessage(), e);
        }
    }
}

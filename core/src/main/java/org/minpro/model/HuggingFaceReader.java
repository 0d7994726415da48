package org.minpro.model;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * Reads a model from a folder in the layout of Hugging Face: {@code config.json}, the weights in one or many {@code
 * .safetensors}, and the tokenizer's files.
 *
 * <p>Opening reads and checks everything but the numbers: the configuration, every file's header, and that the tensors
 * are those which the configuration asks for, in name and shape. No file stays open.
 */
public final class HuggingFaceReader {
    private final Path folder;
    private final ModelConfig config;
    private final StoredWeights weights;

    private HuggingFaceReader(Path folder, ModelConfig config, StoredWeights weights) {
        this.folder = folder;
        this.config = config;
        this.weights = weights;
    }

    /**
     * Opens a folder named on a command line.
     *
     * @throws ModelFormatException if it is no folder, saying what has to be fetched, or is not a sound model
     */
    public static HuggingFaceReader open(String folder) {
        return open(Path.of(folder));
    }

    /**
     * Opens a folder.
     *
     * @throws ModelFormatException if it is no folder, or anything in it is missing, left over, of another shape,
     *     truncated or not supported
     */
    public static HuggingFaceReader open(Path folder) {
        requireFolder(folder);
        ModelConfigReader.Result read = ModelConfigReader.read(folder);
        StoredWeights weights = StoredWeights.find(folder, read.config());
        ModelConfig config = read.dtypeGiven() ? read.config() : read.config().withStoredDType(weights.firstType());
        return new HuggingFaceReader(folder, config, weights);
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
                "model must be a folder with config.json, model.safetensors (or " + StoredWeights.INDEX_FILE
                        + " and its shards), tokenizer.json, tokenizer_config.json and generation_config.json, got: "
                        + (unnamed ? "an empty name" : Files.exists(folder) ? "a file" : "no such folder")
                        + (hubName
                                ? "; nothing is downloaded here, get it with `hf download " + name + " --local-dir "
                                        + name.substring(name.indexOf('/') + 1)
                                        + "` or `git clone https://huggingface.co/" + name + "` and give that folder"
                                : ""));
    }

    public Path path() {
        return folder;
    }

    public ModelConfig config() {
        return config;
    }

    StoredWeights weights() {
        return weights;
    }

    /** Whether all weights are stored in a type. */
    public boolean isStoredIn(DType type) {
        return weights.areAll(type);
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
     * @param device where they are made
     * @param compute F32, BF16 or F64
     */
    public SequencedMap<String, Tensor> load(Device device, DType compute) {
        if (!compute.isFloating()) {
            throw new IllegalArgumentException("compute dtype must be F32, BF16 or F64, got: " + compute);
        }
        SequencedMap<String, Tensor> parameters = new LinkedHashMap<>();
        boolean complete = false;
        try (Scope scope = Scope.open()) {
            config.parameterShapes()
                    .forEach((name, shape) -> parameters.put(
                            name, Tensor.empty(device, compute, shape).retain()));
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
        Parameters.requireShapes(config, parameters);
        Map<Path, SafetensorsFile> files = new HashMap<>();
        try {
            weights.pieces().forEach((name, parts) -> {
                Tensor parameter = Objects.requireNonNull(parameters.get(name));
                for (StoredWeights.Piece piece : parts) {
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
}

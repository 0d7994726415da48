package org.minpro.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import org.minpro.tensor.DType;
import org.minpro.tensor.Tensor;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Writes a model as a Hugging Face folder: {@code config.json} and the weights in {@code model.safetensors}. */
public final class HuggingFaceWriter {
    /** What belongs to a model beside its weights and its configuration. */
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
            "USE_POLICY.md");

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private HuggingFaceWriter() {}

    /**
     * Writes parameters as another folder stores them, with the same tensor names and element types, and copies its {@code
     * config.json}, tokenizer's files and licence: unchanged parameters give unchanged tensors.
     *
     * @param source the other folder
     * @param parameters with the names and shapes of {@link ModelConfig#parameterShapes}, of any dtype
     */
    public static void writeLike(HuggingFaceReader source, Path target, Map<String, Tensor> parameters) {
        Layout.of(source, parameters).write(target, parameters);
        copyCompanions(source.path(), target);
        copy(source.path(), target, "config.json");
    }

    /**
     * The tensors of a file and what each is made of.
     *
     * @param shapes of the tensors by name
     * @param partsOf the first piece of each parameter in it: of a fused tensor's many pieces per parameter the first tells
     *     which half is whose
     */
    private record Layout(
            SequencedMap<String, SafetensorsHeader.Entry> shapes,
            Map<String, Map<String, StoredWeights.Piece>> partsOf) {
        /** That of a folder. */
        static Layout of(HuggingFaceReader source, Map<String, Tensor> parameters) {
            StoredWeights weights = source.weights();
            Parameters.requireShapes(source.config(), parameters);
            Layout layout = new Layout(new LinkedHashMap<>(), new HashMap<>());
            weights.pieces().forEach((parameter, parts) -> {
                for (StoredWeights.Piece piece : parts) {
                    StoredWeights.Stored stored = piece.stored();
                    layout.shapes.putIfAbsent(
                            stored.name(), new SafetensorsHeader.Entry(stored.dtype(), stored.shape(), 0, 0));
                    layout.partsOf
                            .computeIfAbsent(stored.name(), name -> new LinkedHashMap<>())
                            .putIfAbsent(parameter, piece);
                }
            });
            StoredWeights.Stored tiedCopy = weights.tiedCopy();
            if (tiedCopy != null) {
                layout.shapes.put(
                        StoredWeights.HEAD, new SafetensorsHeader.Entry(tiedCopy.dtype(), tiedCopy.shape(), 0, 0));
                layout.partsOf.put(StoredWeights.HEAD, Map.of(StoredWeights.EMBEDDING, layout.embedding(source)));
            }
            return layout;
        }

        private StoredWeights.Piece embedding(HuggingFaceReader source) {
            return Objects.requireNonNull(source.weights().pieces().get(StoredWeights.EMBEDDING))
                    .getFirst();
        }

        void write(Path target, Map<String, Tensor> parameters) {
            writeWeights(target, shapes, name -> {
                SafetensorsHeader.Entry entry = Objects.requireNonNull(shapes.get(name));
                return assemble(parameters, Objects.requireNonNull(partsOf.get(name)), entry);
            });
        }
    }

    /**
     * Writes parameters as {@link #writeLike} does, in one element type and with a head of its own: {@code lm_head.weight} is
     * there and {@code tie_word_embeddings} is false, whatever the model ties. A server that packs its head apart from its
     * embedding reloads both from such a folder.
     *
     * @param type of every tensor, and of {@code config.json}
     */
    public static void writeUntied(HuggingFaceReader source, Path target, Map<String, Tensor> parameters, DType type) {
        Layout layout = Layout.of(source, parameters);
        if (source.config().tieWordEmbeddings()) {
            StoredWeights.Piece embedding = layout.embedding(source);
            // One of the two is in the folder, or both.
            for (String name : List.of(StoredWeights.EMBEDDING, StoredWeights.HEAD)) {
                layout.shapes.put(
                        name,
                        new SafetensorsHeader.Entry(type, embedding.stored().shape(), 0, 0));
                layout.partsOf.put(name, Map.of(StoredWeights.EMBEDDING, embedding));
            }
        }
        layout.shapes.replaceAll((name, entry) -> new SafetensorsHeader.Entry(type, entry.shape(), 0, 0));
        layout.write(target, parameters);
        copyCompanions(source.path(), target);
        Path file = source.path().resolve("config.json");
        try {
            if (!(JSON.readTree(Files.readString(file)) instanceof ObjectNode config)) {
                throw new ModelFormatException(file, "must be a JSON object");
            }
            config.put("tie_word_embeddings", false);
            for (String name : List.of("torch_dtype", "dtype")) {
                if (config.has(name)) {
                    config.put(name, type == DType.BF16 ? "bfloat16" : type == DType.F16 ? "float16" : "float32");
                }
            }
            writeText(target.resolve("config.json"), config.toPrettyString() + "\n");
        } catch (IOException | JacksonException e) {
            throw new ModelFormatException(file, "cannot be read: " + e.getMessage(), e);
        }
    }

    private static Tensor assemble(
            Map<String, Tensor> parameters, Map<String, StoredWeights.Piece> parts, SafetensorsHeader.Entry entry) {
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
        Parameters.requireShapes(config, parameters);
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

    private static void writeWeights(
            Path target, SequencedMap<String, SafetensorsHeader.Entry> shapes, SafetensorsFile.Source source) {
        try {
            Files.createDirectories(target);
        } catch (IOException e) {
            throw new UncheckedIOException(target + ": cannot be made: " + e.getMessage(), e);
        }
        SafetensorsFile.write(target.resolve(StoredWeights.SINGLE_FILE), shapes, Map.of("format", "pt"), source);
    }

    /** Copies what a model's folder has beside weights and configuration: tokenizer, chat templates, licence. */
    public static void copyCompanions(Path folder, Path target) {
        COMPANIONS.forEach(name -> copy(folder, target, name));
    }

    private static void copy(Path folder, Path target, String name) {
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

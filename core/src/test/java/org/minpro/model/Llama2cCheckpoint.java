package org.minpro.model;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import tools.jackson.databind.json.JsonMapper;

/**
 * Converts a checkpoint of llama2.c (its first format, <a href="https://github.com/karpathy/llama2.c">llama2.c</a>) and
 * its tokenizer into a Hugging Face folder.
 *
 * <p>Seven little-endian integers (width, inner width, layers, heads, key-value heads, vocabulary, positions; a negative
 * vocabulary means a head of its own), then float32 weights, each kind for all layers. Its rotation turns neighbouring
 * columns, that of Hugging Face turns column {@code i} with {@code i + headDim / 2}, so query and key rows change places.
 */
final class Llama2cCheckpoint {
    /** Neither is in the file; these are the constants of run.c. */
    private static final double EPSILON = 1e-5;

    private static final double THETA = 10_000;

    private final ByteBuffer weights;

    private Llama2cCheckpoint(ByteBuffer weights) {
        this.weights = weights;
    }

    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 3) {
            throw new IllegalArgumentException("usage: Llama2cCheckpoint MODEL.bin TOKENIZER.bin OUT_FOLDER");
        }
        convert(Path.of(arguments[0]), Path.of(arguments[1]), Path.of(arguments[2]));
    }

    static void convert(Path model, Path tokenizer, Path folder) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(model)).order(ByteOrder.LITTLE_ENDIAN);
        new Llama2cCheckpoint(bytes).convertWeights(folder);
        convertTokenizer(tokenizer, bytes.getInt(5 * Integer.BYTES), folder);
    }

    // ---- weights --------------------------------------------------------------------------------------------------

    private void convertWeights(Path folder) {
        int width = weights.getInt();
        int inner = weights.getInt();
        int layers = weights.getInt();
        int heads = weights.getInt();
        int keyValueHeads = weights.getInt();
        int vocabulary = weights.getInt();
        int positions = weights.getInt();
        int headDim = width / heads;
        ModelConfig config = new ModelConfig(
                ModelConfig.Architecture.LLAMA,
                Math.abs(vocabulary),
                width,
                layers,
                heads,
                keyValueHeads,
                headDim,
                inner,
                EPSILON,
                THETA,
                new ModelConfig.RopeScaling.None(),
                List.of(),
                null,
                positions,
                vocabulary > 0,
                false,
                false,
                null,
                DType.F32,
                1,
                List.of(2),
                null);
        try (Scope scope = Scope.open()) {
            Map<String, Tensor> parameters = new HashMap<>();
            parameters.put("model.embed_tokens.weight", next(Math.abs(vocabulary), width));
            List<String> kinds = List.of(
                    "input_layernorm",
                    "self_attn.q_proj",
                    "self_attn.k_proj",
                    "self_attn.v_proj",
                    "self_attn.o_proj",
                    "post_attention_layernorm",
                    "mlp.gate_proj",
                    "mlp.down_proj",
                    "mlp.up_proj");
            Map<String, long[]> shapes = config.parameterShapes();
            for (String kind : kinds) {
                for (int layer = 0; layer < layers; layer++) {
                    String name = "model.layers." + layer + "." + kind + ".weight";
                    Tensor weight = next(Objects.requireNonNull(shapes.get(name)));
                    boolean rotated = kind.endsWith("q_proj") || kind.endsWith("k_proj");
                    parameters.put(name, rotated ? halves(weight, headDim) : weight);
                }
            }
            parameters.put("model.norm.weight", next(width));
            // Cosines and sines of every position, which follow from the configuration.
            next(positions, headDim);
            if (vocabulary < 0) {
                parameters.put("lm_head.weight", next(-vocabulary, width));
            }
            if (weights.hasRemaining()) {
                throw new IllegalStateException(
                        "the file must end with the weights, got: " + weights.remaining() + " bytes more");
            }
            HuggingFaceWriter.write(folder, config, parameters);
        }
    }

    private Tensor next(long... shape) {
        int bytes = Float.BYTES;
        for (long size : shape) {
            bytes *= Math.toIntExact(size);
        }
        ByteBuffer part = weights.slice(weights.position(), bytes);
        weights.position(weights.position() + bytes);
        return Tensor.fromBytes(Device.CPU, part, DType.F32, shape);
    }

    /** Rows {@code 0, 1, 2, ...} of a head become {@code 0, 2, 4, ..., 1, 3, 5, ...}. */
    private static Tensor halves(Tensor weight, int headDim) {
        long rows = weight.size(0);
        long columns = weight.size(1);
        return weight.view(rows / headDim, headDim / 2, 2, columns)
                .transpose(1, 2)
                .reshape(rows, columns);
    }

    // ---- tokenizer ------------------------------------------------------------------------------------------------

    /** A JSON object whose keys keep their order, unlike those of {@link Map#of}. */
    private static Map<String, Object> object(Object... keysAndValues) {
        Map<String, Object> object = new LinkedHashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            object.put((String) keysAndValues[i], keysAndValues[i + 1]);
        }
        return object;
    }

    private record Piece(int id, String text, float score) {}

    /**
     * A SentencePiece vocabulary as byte-pair merges: SentencePiece joins the two neighbours whose joint piece scores
     * best, so the merges are all ways to split a piece, in the order of the pieces' scores.
     */
    private static void convertTokenizer(Path tokenizer, int size, Path folder) throws IOException {
        List<Piece> pieces = pieces(tokenizer, Math.abs(size));
        Map<String, Integer> vocabulary = new LinkedHashMap<>();
        pieces.forEach(piece -> vocabulary.put(piece.text(), piece.id()));
        List<List<String>> merges = new ArrayList<>();
        pieces.stream()
                .filter(piece -> piece.id() >= 259)
                .sorted(Comparator.comparingDouble(piece -> -piece.score()))
                .forEach(piece -> {
                    for (int at = piece.text().offsetByCodePoints(0, 1);
                            at < piece.text().length();
                            at = piece.text().offsetByCodePoints(at, 1)) {
                        String left = piece.text().substring(0, at);
                        String right = piece.text().substring(at);
                        if (vocabulary.containsKey(left) && vocabulary.containsKey(right)) {
                            merges.add(List.of(left, right));
                        }
                    }
                });
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("version", "1.0");
        json.put("added_tokens", List.of(special(0, "<unk>"), special(1, "<s>"), special(2, "</s>")));
        json.put(
                "normalizer",
                steps("normalizers", object("type", "Prepend", "prepend", "\u2581"), replace(" ", "\u2581")));
        Map<String, Object> begin = object("SpecialToken", object("id", "<s>", "type_id", 0));
        Map<String, Object> first = object("Sequence", object("id", "A", "type_id", 0));
        Map<String, Object> second = object("Sequence", object("id", "B", "type_id", 1));
        json.put(
                "post_processor",
                object(
                        "type",
                        "TemplateProcessing",
                        "single",
                        List.of(begin, first),
                        "pair",
                        List.of(begin, first, begin, second),
                        "special_tokens",
                        object("<s>", object("id", "<s>", "ids", List.of(1), "tokens", List.of("<s>")))));
        json.put(
                "decoder",
                steps(
                        "decoders",
                        replace("\u2581", " "),
                        object("type", "ByteFallback"),
                        object("type", "Fuse"),
                        object("type", "Strip", "content", " ", "start", 1, "stop", 0)));
        Map<String, Object> model = new LinkedHashMap<>();
        model.put("type", "BPE");
        model.put("unk_token", "<unk>");
        model.put("fuse_unk", true);
        model.put("byte_fallback", true);
        model.put("vocab", vocabulary);
        model.put("merges", merges);
        json.put("model", model);
        write(folder.resolve("tokenizer.json"), json);
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("tokenizer_class", "PreTrainedTokenizerFast");
        settings.put("add_bos_token", true);
        settings.put("bos_token", "<s>");
        settings.put("eos_token", "</s>");
        settings.put("unk_token", "<unk>");
        settings.put("clean_up_tokenization_spaces", false);
        write(folder.resolve("tokenizer_config.json"), settings);
    }

    private static List<Piece> pieces(Path tokenizer, int size) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(tokenizer)).order(ByteOrder.LITTLE_ENDIAN);
        // The longest piece's length, which run.c allocates by.
        bytes.getInt();
        List<Piece> pieces = new ArrayList<>();
        for (int id = 0; id < size; id++) {
            float score = bytes.getFloat();
            byte[] text = new byte[bytes.getInt()];
            bytes.get(text);
            // Spaces stand for SentencePiece's mark; the special tokens are surrounded by line breaks.
            String piece = new String(text, StandardCharsets.UTF_8);
            pieces.add(new Piece(id, id < 3 ? piece.strip() : piece.replace(' ', '\u2581'), score));
        }
        return pieces;
    }

    private static Map<String, Object> special(int id, String content) {
        Map<String, Object> token = new LinkedHashMap<>();
        token.put("id", id);
        token.put("content", content);
        for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized")) {
            token.put(flag, false);
        }
        token.put("special", true);
        return token;
    }

    @SafeVarargs
    private static Map<String, Object> steps(String key, Map<String, Object>... steps) {
        Map<String, Object> sequence = new LinkedHashMap<>();
        sequence.put("type", "Sequence");
        sequence.put(key, List.of(steps));
        return sequence;
    }

    private static Map<String, Object> replace(String pattern, String content) {
        return object("type", "Replace", "pattern", object("String", pattern), "content", content);
    }

    private static void write(Path file, Object json) throws IOException {
        Files.writeString(
                file, JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n");
    }
}

package org.minpro.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import org.minpro.config.JsonProblem;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A model's tokenizer, read from the {@code tokenizer.json} of its folder: text to token ids and back.
 *
 * <p>Special tokens that are written in a text are recognised and none is added, so a prompt and its completion can be
 * encoded one after the other. Ids and texts are those of Hugging Face tokenizers, whose Rust library does the work. Any
 * number of threads may encode and decode at once; {@link #close} frees the native memory and must come last.
 */
public final class Tokenizer implements AutoCloseable {
    private static final String FILE = "tokenizer.json";

    private final HuggingFaceTokenizer tokenizer;
    private final Map<String, Integer> vocabulary;
    private final SpecialTokens specialTokens;
    private final Set<String> controlTokens;
    private final int vocabularySize;
    private final boolean addsBeginOfSequence;

    private Tokenizer(
            HuggingFaceTokenizer tokenizer,
            Map<String, Integer> vocabulary,
            Set<String> controlTokens,
            SpecialTokens specialTokens) {
        this.controlTokens = Collections.unmodifiableSet(controlTokens);
        this.tokenizer = tokenizer;
        this.vocabulary = vocabulary;
        this.specialTokens = specialTokens;
        this.vocabularySize =
                vocabulary.values().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
        this.addsBeginOfSequence = addsBefore(tokenizer);
    }

    /**
     * Reads a tokenizer from the {@code tokenizer.json} and, where present, the {@code tokenizer_config.json},
     * {@code special_tokens_map.json} and {@code added_tokens.json} of a model's folder, whose tokens are added to it.
     * Nothing is fetched.
     *
     * @throws TextException if {@code tokenizer.json} is missing or one of the files is damaged
     */
    public static Tokenizer load(Path folder) {
        Path file = folder.resolve(FILE);
        if (!Files.isRegularFile(file)) {
            throw new TextException("a tokenizer must be a folder with " + FILE + ", got: " + folder
                    + (Files.isDirectory(folder) ? ", which has none" : ", which is no folder")
                    + "; fetch the file from where the model's other files come from");
        }
        SpecialTokens specialTokens = SpecialTokens.read(folder);
        byte[] contents = AddedTokens.complete(folder, file, specialTokens);
        Set<String> controlTokens = new TreeSet<>();
        Map<String, Integer> vocabulary = vocabulary(JsonMapper.shared().createParser(contents), file, controlTokens);
        NativeTokenizers.load();
        // Only ever from bytes: given a name, the library would ask a hub.
        Map<String, String> options = Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "false");
        try {
            return new Tokenizer(
                    HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(contents), options),
                    vocabulary,
                    controlTokens,
                    specialTokens);
        } catch (IOException | RuntimeException e) {
            throw new TextException(
                    file + " must be a tokenizer of Hugging Face tokenizers, got: " + e.getMessage()
                            + "; fetch the file again",
                    e);
        }
    }

    /**
     * The token ids of a text. The empty text has none. A surrogate without its partner, which no UTF-8 can carry, is
     * encoded as U+FFFD.
     */
    public int[] encode(String text) {
        long[] ids = tokenizer.encode(wellFormed(text), false, false).getIds();
        int[] result = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
            result[i] = Math.toIntExact(ids[i]);
        }
        return result;
    }

    /**
     * The text of token ids. Bytes that are no UTF-8, as at a cut through an emoji, become U+FFFD; ids that the tokenizer
     * does not have (a model's head may be wider than its vocabulary) give nothing.
     *
     * @param skipSpecialTokens whether special tokens are left out
     */
    public String decode(int[] ids, boolean skipSpecialTokens) {
        long[] wide = new long[ids.length];
        for (int i = 0; i < ids.length; i++) {
            wide[i] = ids[i];
        }
        return tokenizer.decode(wide, skipSpecialTokens);
    }

    /** One more than the largest id, added tokens included. */
    public int vocabularySize() {
        return vocabularySize;
    }

    /** The id of a token by its text, special or not; ordinary tokens in the spelling of {@code tokenizer.json}. */
    public OptionalInt id(String token) {
        Integer id = vocabulary.get(token);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /**
     * Whether the tokenizer's own post-processor would put a token (beginning of sequence) before a text.
     * {@link #encode} never does; callers tell the user so where this is true.
     */
    public boolean addsBeginOfSequence() {
        return addsBeginOfSequence;
    }

    /** The special tokens that the folder names. */
    public SpecialTokens specialTokens() {
        return specialTokens;
    }

    /** The texts of all tokens that are marked special: where one is written in a text, {@link #encode} makes the token of it. */
    public Set<String> controlTokens() {
        return controlTokens;
    }

    @Override
    public void close() {
        tokenizer.close();
    }

    private static boolean addsBefore(HuggingFaceTokenizer tokenizer) {
        long[] plain = tokenizer.encode("a", false, false).getIds();
        long[] processed = tokenizer.encode("a", true, false).getIds();
        return processed.length > plain.length && plain.length > 0 && processed[0] != plain[0];
    }

    private static String wellFormed(String text) {
        StringBuilder repaired = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) {
                continue;
            }
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
                continue;
            }
            if (repaired == null) {
                repaired = new StringBuilder(text);
            }
            repaired.setCharAt(i, '\uFFFD');
        }
        return repaired == null ? text : repaired.toString();
    }

    /** Token to id, of the model's vocabulary and the added tokens; streamed, because the files reach tens of megabytes. */
    private static Map<String, Integer> vocabulary(JsonParser source, Path file, Set<String> control) {
        Map<String, Integer> vocabulary = new HashMap<>();
        try (JsonParser parser = source) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new TextException(file + " must hold a JSON object, got: " + parser.currentToken());
            }
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String name = parser.currentName();
                parser.nextToken();
                switch (name) {
                    case "added_tokens" -> addedTokens(parser, vocabulary, control);
                    case "model" -> model(parser, vocabulary);
                    default -> parser.skipChildren();
                }
            }
        } catch (JacksonException e) {
            throw new TextException(
                    file + " must be JSON, got: " + JsonProblem.of(e) + " at " + SpecialTokens.at(e)
                            + "; fetch the file again",
                    e);
        }
        return vocabulary;
    }

    private static void addedTokens(JsonParser parser, Map<String, Integer> vocabulary, Set<String> control) {
        JsonNode tokens = parser.readValueAsTree();
        for (JsonNode token : tokens) {
            if (token.path("content").isString() && token.path("id").isInt()) {
                vocabulary.put(
                        token.path("content").stringValue(), token.path("id").intValue());
                if (token.path("special").booleanValue(false)) {
                    control.add(token.path("content").stringValue());
                }
            }
        }
    }

    private static void model(JsonParser parser, Map<String, Integer> vocabulary) {
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            parser.skipChildren();
            return;
        }
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            JsonToken value = parser.nextToken();
            if (name.equals("vocab") && value == JsonToken.START_OBJECT) {
                while (parser.nextToken() != JsonToken.END_OBJECT) {
                    String token = parser.currentName();
                    vocabulary.putIfAbsent(token, parser.nextIntValue(-1));
                }
            } else if (name.equals("vocab") && value == JsonToken.START_ARRAY) {
                // Unigram: [token, score] pairs, the id is the position.
                for (int id = 0; parser.nextToken() == JsonToken.START_ARRAY; id++) {
                    vocabulary.putIfAbsent(parser.nextStringValue(), id);
                    parser.nextToken();
                    parser.nextToken();
                }
            } else {
                parser.skipChildren();
            }
        }
    }
}

package org.minpro.text;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.minpro.config.JsonProblem;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The special tokens that a tokenizer's folder names, by their role: {@code bos_token}, {@code eos_token},
 * {@code pad_token}, {@code unk_token}, and any other {@code *_token} of {@code tokenizer_config.json}.
 *
 * <p>As in transformers, {@code special_tokens_map.json} is read only beside a {@code tokenizer_config.json} without
 * {@code added_tokens_decoder}, and then it wins.
 *
 * @param byRole role to text; a role whose value is null is absent
 */
public record SpecialTokens(Map<String, String> byRole) {
    static final String CONFIG = "tokenizer_config.json";
    private static final String MAP = "special_tokens_map.json";

    public SpecialTokens {
        byRole = Collections.unmodifiableMap(new LinkedHashMap<>(byRole));
    }

    /** The text of the beginning-of-sequence token, if the folder names one. */
    public Optional<String> bos() {
        return role("bos_token");
    }

    /** The text of the end-of-sequence token, if the folder names one. */
    public Optional<String> eos() {
        return role("eos_token");
    }

    /** The text of the padding token, if the folder names one. */
    public Optional<String> pad() {
        return role("pad_token");
    }

    /** The text of the unknown token, if the folder names one. */
    public Optional<String> unk() {
        return role("unk_token");
    }

    private Optional<String> role(String name) {
        return Optional.ofNullable(byRole.get(name));
    }

    /**
     * Reads the folder's special tokens; a folder with neither file has none.
     *
     * @throws TextException if a file that is there cannot be read
     */
    public static SpecialTokens read(Path folder) {
        JsonNode config = json(folder.resolve(CONFIG));
        Map<String, String> tokens = new LinkedHashMap<>();
        collect(config, tokens);
        if (!config.has("added_tokens_decoder")) {
            collect(json(folder.resolve(MAP)), tokens);
        }
        return new SpecialTokens(tokens);
    }

    private static void collect(JsonNode object, Map<String, String> tokens) {
        collectTexts(object, tokens);
        // A model's own roles, such as image_token, may stand in an object of their own.
        collectTexts(object.path("extra_special_tokens"), tokens);
    }

    private static void collectTexts(JsonNode object, Map<String, String> tokens) {
        for (Map.Entry<String, JsonNode> entry : object.properties()) {
            JsonNode value = entry.getValue();
            JsonNode text = value.isObject() ? value.path("content") : value;
            if (entry.getKey().endsWith("_token") && text.isString()) {
                tokens.put(entry.getKey(), text.stringValue());
            }
        }
    }

    /** The JSON object of a file, empty where there is no such file. */
    static JsonNode json(Path file) {
        JsonMapper mapper = JsonMapper.shared();
        if (!Files.isRegularFile(file)) {
            return mapper.createObjectNode();
        }
        try {
            JsonNode node = mapper.readTree(file);
            if (!node.isObject()) {
                throw new TextException(file + " must hold a JSON object, got: " + node.getNodeType());
            }
            return node;
        } catch (JacksonException e) {
            throw new TextException(
                    file + " must be JSON, got: " + JsonProblem.of(e) + " at " + at(e) + "; fetch the file again", e);
        }
    }

    static String at(JacksonException error) {
        return error.getLocation() == null
                ? "an unknown place"
                : "line " + error.getLocation().getLineNr() + ", column "
                        + error.getLocation().getColumnNr();
    }
}

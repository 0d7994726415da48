package org.minpro.text;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Tokens that stand in the files beside {@code tokenizer.json} and not in it, added to it as transformers does when it
 * loads a folder: {@code added_tokens_decoder}, the tokens by role, {@code additional_special_tokens} and
 * {@code extra_special_tokens} of {@code tokenizer_config.json}; where that has no {@code added_tokens_decoder}, those of
 * {@code special_tokens_map.json} and {@code added_tokens.json} too.
 *
 * <p>A token that the vocabulary has keeps its id. A new one gets the next free id, in the order of the ids declared, as
 * transformers and Hugging Face tokenizers do, whatever the file says; so declared ids hold where they leave no gap.
 */
final class AddedTokens {
    private static final String DECODER = "added_tokens_decoder";
    private static final String FILE = "added_tokens.json";
    private static final String MAP = "special_tokens_map.json";
    private static final String ADDITIONAL = "additional_special_tokens";
    private static final String EXTRA = "extra_special_tokens";
    private static final List<String> FLAGS = List.of("single_word", "lstrip", "rstrip", "normalized", "special");

    private AddedTokens() {}

    /** The contents of {@code tokenizer.json} with the tokens that other files of the folder add. */
    static byte[] complete(Path folder, Path tokenizer, SpecialTokens special) {
        ObjectNode root = (ObjectNode) SpecialTokens.json(tokenizer);
        ArrayNode known = root.path("added_tokens").isArray()
                ? (ArrayNode) root.path("added_tokens")
                : root.putArray("added_tokens");
        Map<String, ObjectNode> byText = new LinkedHashMap<>();
        for (JsonNode token : known) {
            if (token instanceof ObjectNode object && object.path("content").isString()) {
                byText.put(object.path("content").stringValue(), object);
            }
        }
        boolean changed = false;
        int next = nextId(root.path("model").path("vocab"), byText);
        for (Map.Entry<String, ObjectNode> wanted : wanted(folder, special).entrySet()) {
            ObjectNode token = wanted.getValue();
            ObjectNode present = byText.get(wanted.getKey());
            if (present == null) {
                JsonNode own = root.path("model").path("vocab").path(wanted.getKey());
                token.put("id", own.isInt() ? own.intValue() : next++);
                known.add(token);
                byText.put(wanted.getKey(), token);
                changed = true;
            } else if (token.path("declared").booleanValue(false)) {
                // What the configuration says of a token of tokenizer.json wins, as in transformers.
                for (String flag : FLAGS) {
                    if (token.has(flag) && !token.get(flag).equals(present.get(flag))) {
                        present.set(flag, token.get(flag));
                        changed = true;
                    }
                }
            }
            token.remove("declared");
        }
        try {
            return changed
                    ? JsonMapper.shared().writeValueAsString(root).getBytes(StandardCharsets.UTF_8)
                    : Files.readAllBytes(tokenizer);
        } catch (IOException e) {
            throw new TextException(tokenizer + " must be readable, got: " + e, e);
        }
    }

    private static int nextId(JsonNode vocabulary, Map<String, ObjectNode> added) {
        int largest = added.values().stream()
                .mapToInt(token -> token.path("id").intValue(-1))
                .max()
                .orElse(-1);
        // A unigram vocabulary is a list, whose positions are the ids.
        return Math.max(vocabulary.size(), largest + 1);
    }

    /** What the files declare, by text, in the order in which transformers adds it. */
    private static Map<String, ObjectNode> wanted(Path folder, SpecialTokens special) {
        JsonNode config = SpecialTokens.json(folder.resolve(SpecialTokens.CONFIG));
        Map<String, ObjectNode> wanted = new LinkedHashMap<>();
        Set<String> roles = new LinkedHashSet<>(special.byRole().values());
        List<JsonNode> listed = new ArrayList<>();
        addLists(config, listed);
        if (config.has(DECODER)) {
            config.path(DECODER).properties().stream()
                    .sorted(Comparator.comparingInt(entry -> id(entry.getKey(), folder)))
                    .forEach(entry -> declare(entry.getValue(), roles, wanted));
        } else {
            JsonNode map = SpecialTokens.json(folder.resolve(MAP));
            addLists(map, listed);
            Set<String> specials = new LinkedHashSet<>(roles);
            listed.forEach(list -> list.forEach(token -> specials.add(text(token))));
            SpecialTokens.json(folder.resolve(FILE)).properties().stream()
                    .sorted(Comparator.comparingInt(entry -> entry.getValue().intValue(Integer.MAX_VALUE)))
                    .forEach(entry -> {
                        boolean isSpecial = specials.contains(entry.getKey());
                        wanted.put(entry.getKey(), token(entry.getKey(), isSpecial, !isSpecial));
                    });
        }
        roles.forEach(text -> wanted.putIfAbsent(text, token(text, true, false)));
        for (JsonNode list : listed) {
            if (list.isArray()) {
                list.forEach(token -> wanted.putIfAbsent(text(token), token(text(token), true, false)));
            }
        }
        wanted.remove("");
        return wanted;
    }

    /** The newer name wins over the older one, as in transformers. */
    private static void addLists(JsonNode object, List<JsonNode> listed) {
        listed.add(object.path(object.path(EXTRA).isEmpty() ? ADDITIONAL : EXTRA));
    }

    private static int id(String key, Path folder) {
        try {
            return Integer.parseInt(key);
        } catch (NumberFormatException e) {
            throw new TextException(
                    DECODER + " must have ids as its keys, got: '" + key + "' in "
                            + folder.resolve(SpecialTokens.CONFIG),
                    e);
        }
    }

    private static void declare(JsonNode node, Set<String> roles, Map<String, ObjectNode> wanted) {
        String text = text(node);
        ObjectNode token = token(text, false, true);
        for (String flag : FLAGS) {
            if (node.path(flag).isBoolean()) {
                token.set(flag, node.get(flag));
            }
        }
        if (roles.contains(text)) {
            token.put("special", true);
        }
        token.put("declared", true);
        wanted.put(text, token);
    }

    private static ObjectNode token(String text, boolean special, boolean normalized) {
        return JsonMapper.shared()
                .createObjectNode()
                .put("id", 0)
                .put("content", text)
                .put("single_word", false)
                .put("lstrip", false)
                .put("rstrip", false)
                .put("normalized", normalized)
                .put("special", special);
    }

    /** A token's text: written as a text, or as an object with its {@code content}. */
    private static String text(JsonNode token) {
        return token.isString() ? token.stringValue() : token.path("content").asString("");
    }
}

package org.minpro.dashboard;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.minpro.run.ModelFiles;
import org.minpro.text.TextStream;
import org.minpro.text.Tokenizer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Rollouts as a person reads them: the text of each token with its numbers. For one run; closed when no longer shown. */
public final class ShownRollouts implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final @Nullable Tokenizer tokenizer;

    private ShownRollouts(@Nullable Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /** With the tokenizer of the run's model, where it is still there; tokens are numbers otherwise. */
    public static ShownRollouts of(RunView run) {
        Map<String, String> settings = run.settings();
        Path own = run.folder().resolve("model");
        try {
            if (Files.isRegularFile(own.resolve("tokenizer.json"))) {
                return new ShownRollouts(Tokenizer.load(own));
            }
            return new ShownRollouts(ModelFiles.withoutWeights(settings.getOrDefault("model.path", "builtin"))
                    .tokenizer());
        } catch (RuntimeException e) {
            // A model's folder that was moved, in whatever way that shows.
            return new ShownRollouts(null);
        }
    }

    /** The text of ids; empty without a tokenizer. */
    public Optional<String> text(JsonNode ids) {
        Tokenizer known = tokenizer;
        return known == null ? Optional.empty() : Optional.of(known.decode(integers(ids), false));
    }

    /**
     * A rollout with its tokens: {@code text}, {@code log_mu}, and where the ledger has them {@code log_pi},
     * {@code min_prefix}, {@code weight}, {@code entropy}, {@code age}.
     *
     * @param line of the journal
     * @param recorded its lines of {@code tokens.jsonl}
     */
    public ObjectNode shown(JsonNode line, List<JsonNode> recorded) {
        ObjectNode shown = JSON.createObjectNode();
        for (String name : List.of("iteration", "draw", "sample", "problem", "answer", "finish", "text", "score")) {
            shown.set(name, line.path(name));
        }
        shown.put("recorded", !recorded.isEmpty());
        text(line.path("prompt_ids")).ifPresent(prompt -> shown.put("prompt", prompt));
        JsonNode ids = line.path("response_ids");
        JsonNode logMu = line.path("behavior_log_probs");
        List<String> texts = texts(integers(ids));
        ArrayNode tokens = shown.putArray("tokens");
        int next = 0;
        for (int t = 0; t < ids.size(); t++) {
            ObjectNode token = tokens.addObject();
            token.put("text", texts.get(t));
            token.put("id", ids.get(t).intValue());
            token.set("log_mu", logMu.path(t));
            if (next < recorded.size() && recorded.get(next).path("position").intValue() == t) {
                JsonNode numbers = recorded.get(next++);
                for (String name : List.of("log_pi", "min_prefix", "weight", "entropy", "age")) {
                    token.set(name, numbers.path(name));
                }
                token.put(
                        "log_ratio",
                        numbers.path("log_pi").doubleValue(0)
                                - numbers.path("log_mu").doubleValue(0));
            }
        }
        return shown;
    }

    /** The piece of text that each token brings; a character that needs several tokens stands at the last of them. */
    private List<String> texts(int[] ids) {
        List<String> texts = new ArrayList<>();
        Tokenizer known = tokenizer;
        if (known == null) {
            for (int id : ids) {
                texts.add("⟨" + id + "⟩");
            }
            return texts;
        }
        StringBuilder piece = new StringBuilder();
        TextStream stream = new TextStream(part -> known.decode(part, false), piece::append);
        for (int id : ids) {
            piece.setLength(0);
            stream.add(id);
            texts.add(piece.toString());
        }
        return texts;
    }

    private static int[] integers(JsonNode array) {
        int[] values = new int[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).intValue();
        }
        return values;
    }

    @Override
    public void close() {
        if (tokenizer != null) {
            tokenizer.close();
        }
    }
}

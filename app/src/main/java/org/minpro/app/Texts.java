package org.minpro.app;

import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.minpro.config.NearestName;
import org.minpro.data.Row;
import org.minpro.text.ChatOptions;
import org.minpro.text.ChatTemplate;
import org.minpro.text.TextException;
import org.minpro.text.Tokenizer;

/** A model's tokenizer and chat template, loaded when a row first needs them. */
final class Texts implements AutoCloseable {
    private final Path folder;
    private final LocalDate date;
    private final Console console;
    private @Nullable Tokenizer tokenizer;
    private @Nullable ChatTemplate chat;
    private boolean said;

    Texts(Path folder, LocalDate date, Console console) {
        this.folder = folder;
        this.date = date;
        this.console = console;
    }

    /** For texts of ids. */
    Tokenizer decoder() {
        if (tokenizer == null) {
            tokenizer = Tokenizer.load(folder);
        }
        return tokenizer;
    }

    /** For ids of texts; says once what is not added to them. */
    Tokenizer tokenizer() {
        Tokenizer loaded = decoder();
        if (!said && loaded.addsBeginOfSequence()) {
            console.say("minpro: no beginning-of-sequence token is added, though this tokenizer would add one; write it"
                    + " into the text where it is wanted");
        }
        said = true;
        return loaded;
    }

    int[] encode(String text) {
        return tokenizer().encode(text);
    }

    /** The text of a conversation that a user begins with this message, up to where the answer begins. */
    String chat(String message) {
        return template().render(List.of(Map.of("role", "user", "content", message)), null, true, Map.of());
    }

    private ChatTemplate template() {
        if (chat == null) {
            chat = ChatTemplate.load(folder, date);
        }
        return chat;
    }

    /**
     * The text of a conversation: {@code messages}, and the options of {@link ChatOptions} that the row has.
     *
     * @param addGenerationPrompt where the row does not say
     */
    String render(Row row, boolean addGenerationPrompt) {
        ChatTemplate template = template();
        try {
            return template.render(objects(row, "messages"), ChatOptions.of(row.fields(), addGenerationPrompt));
        } catch (TextException e) {
            throw row.error(String.valueOf(e.getMessage()));
        }
    }

    /**
     * Refuses fields that a line of a command has no use for.
     *
     * @param own the command's, besides those of a conversation
     */
    static void requireKnown(Row row, List<String> own) {
        List<String> known = new ArrayList<>(own);
        known.add("messages");
        known.addAll(ChatOptions.FIELDS);
        row.requireKnown(known);
        if (!row.has("messages")) {
            for (String field : ChatOptions.FIELDS) {
                if (row.has(field)) {
                    throw row.error("field '" + field + "' must stand beside 'messages', which the line does not have");
                }
            }
        }
    }

    private static List<Map<String, @Nullable Object>> objects(Row row, String field) {
        if (!(row.required(field) instanceof List<?> list)) {
            throw row.wrongKind(field, "a list of objects", row.value(field));
        }
        List<Map<String, @Nullable Object>> objects = new ArrayList<>();
        for (Object element : list) {
            if (!(element instanceof Map<?, ?> map)) {
                throw row.wrongKind(field, "made of JSON objects", element);
            }
            Map<String, @Nullable Object> object = new LinkedHashMap<>();
            map.forEach((key, value) -> object.put(String.valueOf(key), value));
            if (!(object.get("role") instanceof String)) {
                throw row.error("field '" + field + "' must hold messages with a 'role', got: " + object.keySet()
                        + NearestName.of("role", object.keySet())
                                .map(near -> ". Is '" + near + "' meant?")
                                .orElse(""));
            }
            objects.add(object);
        }
        return objects;
    }

    @Override
    public void close() {
        if (tokenizer != null) {
            tokenizer.close();
        }
    }
}

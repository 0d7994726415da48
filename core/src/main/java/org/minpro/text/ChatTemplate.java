package org.minpro.text;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.minpro.text.jinja.JinjaException;
import org.minpro.text.jinja.JinjaTemplate;
import tools.jackson.databind.JsonNode;

/**
 * A model's own chat template: from messages to the text that the model was trained to continue, byte for byte as
 * transformers 5 renders it.
 *
 * <p>Template files win over {@code tokenizer_config.json}: {@code chat_template.jinja} and
 * {@code additional_chat_templates/NAME.jinja}; without any, {@code chat_template} of the configuration is one template or a
 * list of named ones. With tools the template {@code tool_use} is taken where there is one, else {@code default}.
 *
 * <p>Templates know nothing of today: {@code strftime_now} formats the date given here, so a run that stores its date
 * renders the same prompts when it is resumed.
 */
public final class ChatTemplate {
    private static final String FILE = "chat_template.jinja";
    private static final String MORE_FILES = "additional_chat_templates";
    private static final String KEY = "chat_template";
    /** The names a message's reasoning goes by, the newest first. */
    private static final List<String> REASONING = List.of("reasoning_content", "thinking", "reasoning");

    private static final List<String> OWN_VARIABLES = List.of("messages", "tools", "add_generation_prompt");

    private final Map<String, JinjaTemplate> templates;
    private final SpecialTokens specialTokens;
    private final LocalDate today;
    private final String origin;

    private ChatTemplate(
            Map<String, JinjaTemplate> templates, SpecialTokens specialTokens, LocalDate today, String origin) {
        this.templates = templates;
        this.specialTokens = specialTokens;
        this.today = today;
        this.origin = origin;
    }

    /**
     * The chat template of a model's folder.
     *
     * @param today the date that a template sees
     * @throws TextException if the folder has none, or it cannot be read
     */
    public static ChatTemplate load(Path folder, LocalDate today) {
        return find(folder, today)
                .orElseThrow(() -> new TextException("a chat needs a model with a chat template (" + FILE + " or "
                        + KEY + " in " + SpecialTokens.CONFIG + "), got: " + folder
                        + ", which has none; give a prompt template of plain text instead"));
    }

    /**
     * The chat template of a model's folder, if it has one; base models often have none.
     *
     * @throws TextException if there is one that cannot be read
     */
    public static Optional<ChatTemplate> find(Path folder, LocalDate today) {
        Map<String, String> sources = files(folder);
        if (sources.isEmpty()) {
            sources = configured(folder);
        }
        if (sources.isEmpty()) {
            return Optional.empty();
        }
        Map<String, JinjaTemplate> templates = new TreeMap<>();
        sources.forEach((name, source) -> {
            try {
                templates.put(name, JinjaTemplate.parse(source));
            } catch (JinjaException e) {
                throw new TextException("the chat template of " + folder + " cannot be read, " + e.getMessage(), e);
            }
        });
        return Optional.of(new ChatTemplate(templates, SpecialTokens.read(folder), today, folder.toString()));
    }

    private static Map<String, String> files(Path folder) {
        Map<String, String> sources = new TreeMap<>();
        Path single = folder.resolve(FILE);
        if (Files.isRegularFile(single)) {
            sources.put("default", read(single));
        }
        Path more = folder.resolve(MORE_FILES);
        if (Files.isDirectory(more)) {
            try (Stream<Path> entries = Files.list(more)) {
                for (Path file : entries.toList()) {
                    String name = file.getFileName().toString();
                    if (name.endsWith(".jinja")) {
                        sources.put(name.substring(0, name.length() - ".jinja".length()), read(file));
                    }
                }
            } catch (IOException e) {
                throw new TextException(more + " must be readable, got: " + e, e);
            }
        }
        return sources;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new TextException(file + " must be a text in UTF-8, got: " + e, e);
        }
    }

    private static Map<String, String> configured(Path folder) {
        JsonNode value =
                SpecialTokens.json(folder.resolve(SpecialTokens.CONFIG)).path(KEY);
        Map<String, String> sources = new TreeMap<>();
        if (value.isString()) {
            sources.put("default", value.stringValue());
        } else if (value.isArray()) {
            for (JsonNode named : value) {
                if (!named.path("name").isString() || !named.path("template").isString()) {
                    throw new TextException(KEY + " must be a text or a list of {name, template}, got: " + named
                            + " in " + folder.resolve(SpecialTokens.CONFIG));
                }
                sources.put(
                        named.path("name").stringValue(), named.path("template").stringValue());
            }
        } else if (!value.isMissingNode() && !value.isNull()) {
            throw new TextException(KEY + " must be a text or a list of {name, template}, got: " + value.getNodeType()
                    + " in " + folder.resolve(SpecialTokens.CONFIG));
        }
        return sources;
    }

    /**
     * Renders a conversation.
     *
     * @param messages each with {@code role} and most often {@code content} (a text or a list of parts), and whatever else
     *     the template reads, such as {@code tool_calls}; a key whose value is null counts as absent
     * @param tools the JSON schemas of the tools, or null where there are none; an empty list is not the same to every
     *     template
     * @param addGenerationPrompt whether the header of the assistant's next message follows
     * @param variables what else the template sees, such as {@code enable_thinking}; they win over the special tokens
     * @throws TextException if the template refuses the messages or fails; the message names the line
     */
    public String render(
            List<? extends Map<String, ?>> messages,
            @Nullable List<? extends Map<String, ?>> tools,
            boolean addGenerationPrompt,
            Map<String, ? extends @Nullable Object> variables) {
        if (messages.isEmpty()) {
            throw new TextException("a conversation must have at least one message, got: none");
        }
        Map<String, @Nullable Object> all = new LinkedHashMap<>(specialTokens.byRole());
        all.put("documents", null);
        variables.forEach((name, value) -> {
            if (OWN_VARIABLES.contains(name)) {
                throw new TextException("a template variable must not be one of " + OWN_VARIABLES + ", got: " + name);
            }
            all.put(name, value);
        });
        List<Map<String, Object>> conversation = new ArrayList<>(messages.size());
        messages.forEach(message -> conversation.add(withoutNulls(message)));
        all.put("messages", conversation);
        all.put("tools", tools);
        all.put("add_generation_prompt", addGenerationPrompt);
        try {
            return template(tools != null).render(all, today.atStartOfDay());
        } catch (JinjaException e) {
            throw new TextException("the chat template of " + origin + " failed, " + e.getMessage(), e);
        }
    }

    private JinjaTemplate template(boolean withTools) {
        JinjaTemplate template = withTools ? templates.get("tool_use") : null;
        if (template == null) {
            template = templates.get("default");
        }
        if (template == null) {
            throw new TextException("one of a model's chat templates must be named default, got: " + templates.keySet()
                    + " in " + origin);
        }
        return template;
    }

    /** As transformers: no key with null, and the reasoning under the names that templates read. */
    private static Map<String, Object> withoutNulls(Map<String, ?> message) {
        Map<String, Object> result = new LinkedHashMap<>();
        Object reasoning = null;
        for (String name : REASONING) {
            reasoning = reasoning == null ? message.get(name) : reasoning;
        }
        if (reasoning != null) {
            result.put("thinking", reasoning);
        }
        message.forEach((key, value) -> {
            if (value != null) {
                result.put(key, value);
            }
        });
        if (reasoning != null) {
            result.put("reasoning_content", reasoning);
        }
        return result;
    }
}

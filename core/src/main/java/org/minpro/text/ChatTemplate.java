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
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.minpro.config.NearestName;
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

    private static final List<String> OWN_VARIABLES =
            List.of("messages", "tools", "add_generation_prompt", "continue_final_message");

    /** What stands for the end of a message that is left open; the blank tells whether the template trims. */
    private static final String OPEN_END = "CONTINUE_FINAL_MESSAGE_TAG ";

    /** A name in a template's code that is no member of something. */
    private static final Pattern NAME = Pattern.compile("(?<![.'\"\\w])[A-Za-z_]\\w*");

    /** A template and the text that it was made of. */
    private record Source(String text, JinjaTemplate template) {}

    private final Map<String, Source> templates;
    private final SpecialTokens specialTokens;
    private final LocalDate today;
    private final String origin;

    /** The marks around thinking that the templates know, each once. */
    public List<ThinkingMarks> thinkingMarks() {
        return templates.values().stream()
                .flatMap(source -> ThinkingMarks.in(source.text()).stream())
                .distinct()
                .toList();
    }

    private ChatTemplate(Map<String, Source> templates, SpecialTokens specialTokens, LocalDate today, String origin) {
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
        Map<String, Source> templates = new TreeMap<>();
        sources.forEach((name, source) -> {
            try {
                templates.put(name, new Source(source, JinjaTemplate.parse(source)));
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

    /** The folder that the template is of. */
    String origin() {
        return origin;
    }

    /**
     * Renders a conversation without documents, every message ended.
     *
     * @see #render(List, ChatOptions)
     */
    public String render(
            List<? extends Map<String, ?>> messages,
            @Nullable List<? extends Map<String, ?>> tools,
            boolean addGenerationPrompt,
            Map<String, ? extends @Nullable Object> variables) {
        return render(
                messages, new ChatOptions(tools, null, addGenerationPrompt, null, new LinkedHashMap<>(variables)));
    }

    /**
     * Renders a conversation.
     *
     * @param messages each with {@code role} and most often {@code content} (a text or a list of parts), and whatever else
     *     the template reads, such as {@code tool_calls}; a key whose value is null counts as absent
     * @throws TextException if the template refuses the messages or fails (the message names the line), or the last message
     *     has nothing to continue
     */
    public String render(List<? extends Map<String, ?>> messages, ChatOptions options) {
        if (messages.isEmpty()) {
            throw new TextException("a conversation must have at least one message, got: none");
        }
        Source source = template(options.tools() != null);
        Map<String, @Nullable Object> all = new LinkedHashMap<>(specialTokens.byRole());
        all.put("documents", null);
        options.variables().forEach((name, value) -> {
            if (OWN_VARIABLES.contains(name)) {
                throw new TextException("a template variable must not be one of " + OWN_VARIABLES + ", got: " + name);
            }
            requireNoSlip(source, name);
            all.put(name, value);
        });
        if (options.documents() != null) {
            all.put("documents", options.documents());
        }
        List<Map<String, @Nullable Object>> conversation = new ArrayList<>(messages.size());
        messages.forEach(message -> conversation.add(withoutNulls(message)));
        String continued = options.continued();
        String open = continued == null ? null : leaveOpen(conversation, continued, source);
        all.put("messages", conversation);
        all.put("tools", options.tools());
        all.put("add_generation_prompt", options.addGenerationPrompt());
        String text;
        try {
            text = source.template().render(all, today.atStartOfDay());
        } catch (JinjaException e) {
            throw new TextException("the chat template of " + origin + " failed, " + e.getMessage(), e);
        }
        return open == null ? text : cutAtOpenEnd(text, open);
    }

    /** A variable that the template does not read does nothing; one that is nearly what it reads is a slip. */
    private static void requireNoSlip(Source source, String variable) {
        Set<String> names =
                NAME.matcher(source.text()).results().map(MatchResult::group).collect(Collectors.toSet());
        if (!names.contains(variable)) {
            NearestName.of(variable, names).ifPresent(near -> {
                throw new TextException("a template variable must be one that the template reads, got: " + variable
                        + ". Did you mean '" + near + "'?");
            });
        }
    }

    /** Marks the end of the last message, as transformers does, and gives the text that is to be continued. */
    private static String leaveOpen(List<Map<String, @Nullable Object>> conversation, String member, Source source) {
        Map<String, @Nullable Object> last = conversation.getLast();
        Object value = last.get(member);
        if (value == null) {
            throw new TextException(
                    "continue_final_message needs a last message with '" + member + "', got one with " + last.keySet());
        }
        // Reasoning stands under several names; whichever the template reads is continued.
        List<String> members = REASONING.contains(member)
                ? REASONING.stream()
                        .filter(name -> value.equals(last.get(name)))
                        .toList()
                : List.of(member);
        if (members.stream().noneMatch(source.text()::contains)) {
            throw new TextException("continue_final_message must be a member of messages that the chat template reads,"
                    + " got: '" + member + "', which does not occur in it");
        }
        if (value instanceof String text) {
            members.forEach(name -> last.put(name, text + OPEN_END));
            return text;
        }
        if (value instanceof List<?> parts) {
            for (int i = parts.size() - 1; i >= 0; i--) {
                if (parts.get(i) instanceof Map<?, ?> part && part.get("text") instanceof String text) {
                    Map<Object, @Nullable Object> marked = new LinkedHashMap<>(part);
                    marked.put("text", text + OPEN_END);
                    List<@Nullable Object> copy = new ArrayList<>(parts);
                    copy.set(i, marked);
                    last.put(member, copy);
                    return text;
                }
            }
        }
        throw new TextException("continue_final_message needs a last message with a text to continue, got: '" + member
                + "' without one");
    }

    private String cutAtOpenEnd(String text, String open) {
        String mark = OPEN_END.strip();
        int end = text.lastIndexOf(mark);
        if (end < 0 || !text.contains(stripped(open))) {
            throw new TextException("continue_final_message needs a chat template that keeps the last message, got: the"
                    + " one of " + origin + ", in whose text it does not occur");
        }
        // A template that trims the message also trims what it is continued from.
        return text.startsWith(OPEN_END, end) ? text.substring(0, end) : trimmedEnd(text.substring(0, end));
    }

    private static String stripped(String text) {
        String end = trimmedEnd(text);
        int start = 0;
        while (start < end.length() && isSpace(end.charAt(start))) {
            start++;
        }
        return end.substring(start);
    }

    private static String trimmedEnd(String text) {
        int end = text.length();
        while (end > 0 && isSpace(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(0, end);
    }

    /** As Python's {@code str.isspace}. */
    private static boolean isSpace(char c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
    }

    private Source template(boolean withTools) {
        Source template = withTools ? templates.get("tool_use") : null;
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
    private static Map<String, @Nullable Object> withoutNulls(Map<String, ?> message) {
        Map<String, @Nullable Object> result = new LinkedHashMap<>();
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

package org.minpro.environment;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.minpro.data.Message;
import org.minpro.text.ChatOptions;
import org.minpro.text.ChatTemplate;
import org.minpro.text.TextException;
import org.minpro.text.ThinkingMarks;
import org.minpro.text.Tokenizer;

/**
 * Speech through a model's chat template: the difference of two renderings of a stand-in conversation, in which the policy's
 * turn is a text of no meaning. The policy's own tokens are never rendered or encoded.
 *
 * <p>That is right for templates that are prefix-stable: they render a turn the same once others follow. One that is not, such
 * as Qwen3's, which drops the thinking of earlier turns, is refused, unless the recipe says that the sequence keeps
 * it.
 */
public final class ChatSpeech implements Speech {
    /** Stands for what the policy wrote; no template changes it. */
    private static final String TURN = "stand-in";

    private static final String SAID = "said";
    private static final String THOUGHT = "a thought";

    private final ChatTemplate template;
    private final ChatOptions options;
    private final Tokenizer tokenizer;
    private final String origin;

    private ChatSpeech(ChatTemplate template, ChatOptions options, Tokenizer tokenizer, String origin) {
        this.template = template;
        this.options = options;
        this.tokenizer = tokenizer;
        this.origin = origin;
    }

    /**
     * The speech of a model, tried with every role.
     *
     * @param tools JSON schemas that prompts have; none where empty
     * @param variables of the chat template, as prompts have them
     * @param keepsThinking whether a template may drop the thinking of earlier turns that the sequence keeps
     * @param origin the model's folder, for messages
     * @throws TextException if the template is not prefix-stable
     */
    public static ChatSpeech of(
            ChatTemplate template,
            List<Map<String, @Nullable Object>> tools,
            Map<String, ? extends @Nullable Object> variables,
            Tokenizer tokenizer,
            Iterable<String> roles,
            boolean keepsThinking,
            String origin) {
        ChatOptions options =
                new ChatOptions(tools.isEmpty() ? null : tools, null, false, null, new LinkedHashMap<>(variables));
        ChatSpeech speech = new ChatSpeech(template, options, tokenizer, origin);
        for (String role : roles) {
            List<Message> said = List.of(new Message(role, SAID));
            speech.requireStable(said, keepsThinking);
        }
        return speech;
    }

    @Override
    public int[] ids(List<Message> said, int lastId) {
        List<Message> clean = said.stream().map(this::withoutSpecialTokens).toList();
        int[] ids = tokenizer.encode(following(clean));
        if (ids.length > 1 && ids[0] == lastId) {
            return Arrays.copyOfRange(ids, 1, ids.length);
        }
        return ids;
    }

    private Message withoutSpecialTokens(Message message) {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        message.fields().forEach((name, value) -> fields.put(clean(name), cleanWithin(value)));
        return new Message(clean(message.role()), clean(message.content()), fields);
    }

    /** Texts anywhere in it: a template may write each. */
    private @Nullable Object cleanWithin(@Nullable Object value) {
        return switch (value) {
            case String text -> clean(text);
            case List<?> list -> {
                List<@Nullable Object> clean = new ArrayList<>();
                list.forEach(element -> clean.add(cleanWithin(element)));
                yield clean;
            }
            case Map<?, ?> map -> {
                Map<@Nullable Object, @Nullable Object> clean = new LinkedHashMap<>();
                map.forEach((name, element) -> clean.put(cleanWithin(name), cleanWithin(element)));
                yield clean;
            }
            case null, default -> value;
        };
    }

    private String clean(String text) {
        return SpokenText.withoutSpecialTokens(text, tokenizer.controlTokens());
    }

    /** The text behind the policy's turn, its end first, up to where it writes again. */
    private String following(List<Message> said) {
        String whole = rendered(TURN, said, true);
        String following = whole.substring(throughTurn(whole).length());
        if (following.isEmpty()) {
            throw unstable("one that leaves out what follows a turn");
        }
        return following;
    }

    private String throughTurn(String text) {
        int at = text.indexOf(TURN);
        if (at < 0) {
            throw unstable("one that leaves a turn out");
        }
        return text.substring(0, at + TURN.length());
    }

    /** Thinking is tried as the models write it: within the content. */
    private void requireStable(List<Message> said, boolean keepsThinking) {
        List<ThinkingMarks> thinking = template.thinkingMarks();
        String turn = TURN;
        if (!thinking.isEmpty()) {
            ThinkingMarks marks = thinking.getFirst();
            turn = marks.open() + "\n" + THOUGHT + "\n" + marks.close() + "\n\n" + TURN;
        }
        String ended = throughTurn(rendered(turn, List.of(), false));
        String followed = throughTurn(rendered(turn, said, true));
        String role = said.getFirst().role();
        if (keepsThinking) {
            ended = withoutThinking(ended);
            followed = withoutThinking(followed);
        } else if (ended.contains(THOUGHT) && !followed.contains(THOUGHT)) {
            throw unstable("one that drops " + thinking.getFirst().open() + "…"
                    + thinking.getFirst().close() + " of a turn once '" + role
                    + "' has spoken; turns.keeps-thinking: true trains on sequences that keep it");
        }
        if (!ended.equals(followed)) {
            throw unstable("another text up to the end of a turn once '" + role + "' has spoken");
        }
    }

    /** Without what stands between the marks of thinking, and without white space, which the marks bring along. */
    private String withoutThinking(String text) {
        String left = text;
        for (ThinkingMarks marks : template.thinkingMarks()) {
            left = left.replaceAll("(?s)" + Pattern.quote(marks.open()) + ".*?" + Pattern.quote(marks.close()), "");
        }
        return left.replaceAll("\\s+", "");
    }

    private TextException unstable(String what) {
        return new TextException("a chat template must render a turn the same once others follow (prefix-stable), got: "
                + what + ", in the chat template of " + origin);
    }

    private String rendered(String turn, List<Message> said, boolean addGenerationPrompt) {
        List<Map<String, @Nullable Object>> conversation = new ArrayList<>();
        conversation.add(new Message("user", "question").fields());
        conversation.add(new Message("assistant", turn).fields());
        said.forEach(message -> conversation.add(message.fields()));
        return template.render(
                conversation, new ChatOptions(options.tools(), null, addGenerationPrompt, null, options.variables()));
    }
}

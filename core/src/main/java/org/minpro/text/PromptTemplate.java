package org.minpro.text;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.minpro.data.Message;
import org.minpro.data.Problem;

/** From a problem to the text that a model continues. */
@FunctionalInterface
public interface PromptTemplate {
    /**
     * The prompt of a problem.
     *
     * @throws TextException if the problem has not what the template needs
     */
    String render(Problem problem);

    /**
     * A text with placeholders: {@code {name}} stands for the problem's field of that name, or for its {@code prompt},
     * {@code answer} or {@code id}; {@code {{} and {@code }}} stand for braces. Texts are put in as they are, numbers and
     * booleans as JSON writes them, lists and maps as JSON.
     * A name with dots is a path into them: {@code {extra_info.question}}.
     *
     * @throws TextException if the text is no template
     */
    static PromptTemplate plain(String template) {
        return FieldTemplate.parse(template)::render;
    }

    /**
     * The model's chat template with the header of the assistant's answer: a problem's messages as they are, or its prompt
     * as the one message of a user. A problem with messages may have the fields of {@link ChatOptions}, which win over
     * {@code variables}.
     *
     * @param user the text of the user's message, with placeholders as in {@link #plain}; only for problems with a prompt
     * @param system the text of a system message put first where the problem has none, with placeholders; null for none
     * @param variables variables of the chat template, such as {@code enable_thinking}
     */
    static PromptTemplate chat(
            ChatTemplate template,
            String user,
            @Nullable String system,
            Map<String, ? extends @Nullable Object> variables) {
        return chat(template, user, system, variables, List.of());
    }

    /**
     * The same with functions that the model is told of.
     *
     * @param tools their JSON schemas, where the problem has none of its own; none where empty
     */
    static PromptTemplate chat(
            ChatTemplate template,
            String user,
            @Nullable String system,
            Map<String, ? extends @Nullable Object> variables,
            List<? extends Map<String, @Nullable Object>> tools) {
        FieldTemplate userText = FieldTemplate.parse(user);
        FieldTemplate systemText = system == null ? null : FieldTemplate.parse(system);
        Map<String, @Nullable Object> fixed = new LinkedHashMap<>(variables);
        return problem -> {
            List<Map<String, @Nullable Object>> messages = new ArrayList<>();
            boolean ownSystem = !problem.messages().isEmpty()
                    && problem.messages().getFirst().role().equals("system");
            if (systemText != null && !ownSystem) {
                messages.add(new Message("system", systemText.render(problem)).fields());
            }
            for (Message message : problem.messages()) {
                messages.add(message.fields());
            }
            if (problem.messages().isEmpty()) {
                messages.add(new Message("user", userText.render(problem)).fields());
                // Fields of a row with a plain prompt are its own, whatever their names.
                return template.render(
                        messages, ChatOptions.of(true).withDefaults(fixed).withTools(tools));
            }
            return template.render(
                    messages, options(problem).withDefaults(fixed).withTools(tools));
        };
    }

    private static ChatOptions options(Problem problem) {
        try {
            return ChatOptions.of(problem.fields(), true);
        } catch (TextException e) {
            throw new TextException("problem " + problem.id() + ": " + e.getMessage(), e);
        }
    }
}

package org.minpro.recipe;

import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.config.Rule;

/** How a problem's prompt is put to the model. */
public record PromptSection(
        @Doc("Whether prompts go through the model's chat template; auto: if the model's folder has one.")
        ChatTemplate chatTemplate,

        @Doc("System message before a plain prompt where the chat template is used; null for none.") @Nullable String systemPrompt,

        @Doc("Variables of the chat template, such as {enable_thinking: false}.")
        Map<String, @Nullable Object> templateVariables,

        @Doc("The date that the chat template sees, YYYY-MM-DD; null takes the day on which the run starts and stores"
                + " it here.")
        @Nullable String date,

        @Doc("Longer prompts are skipped and counted, tokens.")
        int maxTokens) {

    /** When prompts go through the model's chat template. */
    public enum ChatTemplate {
        AUTO,
        ON,
        OFF
    }

    public PromptSection {
        templateVariables = Collections.unmodifiableMap(new LinkedHashMap<>(templateVariables));
        if (date != null) {
            try {
                LocalDate.parse(date);
            } catch (DateTimeParseException e) {
                throw new IllegalArgumentException("date must be YYYY-MM-DD, got: " + date, e);
            }
        }
        Rule.positive("max-tokens", maxTokens);
    }

    public PromptSection() {
        this(ChatTemplate.AUTO, null, Map.of(), null, 1024);
    }
}

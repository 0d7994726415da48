package org.minpro.recipe;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.data.AnswerExtraction;
import org.minpro.data.Problem;
import org.minpro.data.RowMapping;
import org.minpro.text.PromptTemplate;

/** Files of problems, and which of their fields are prompt and answer. */
public record SourceSection(
        @Doc("JSONL files, one problem a line.") List<Path> files,

        @Doc("Field with the prompt: a text, or a list of {role, content} messages.")
        String promptField,

        @Doc("The prompt made of several fields, such as \"{Body} {Question}\"; null takes prompt-field as it is.")
        @Nullable String promptTemplate,

        @Doc("Field with the reference answer: a text or a number.")
        String answerField,

        @Doc("The answer is what follows the last occurrence of this text in its field; null for all of it.")
        @Nullable String answerAfter,

        @Doc("The answer is the last match of this regular expression in what is left; null for all of it.")
        @Nullable String answerPattern,

        @Doc("Field that names a problem; null names it by a hash of its prompt.") @Nullable String idField) {
    public SourceSection {
        files = List.copyOf(files);
        Rule.check(!promptField.isBlank(), "prompt-field", "a name", "'" + promptField + "'");
        Rule.check(!answerField.isBlank(), "answer-field", "a name", "'" + answerField + "'");
        extraction(answerAfter, answerPattern);
        if (promptTemplate != null) {
            PromptTemplate.plain(promptTemplate);
        }
    }

    public SourceSection() {
        this(List.of(), "prompt", null, "answer", null, null, null);
    }

    private static AnswerExtraction extraction(@Nullable String after, @Nullable String pattern) {
        try {
            return new AnswerExtraction(after, pattern);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("answer-" + e.getMessage(), e);
        }
    }

    /** From rows to problems. */
    public RowMapping mapping() {
        RowMapping mapping =
                new RowMapping(promptField, null, answerField, extraction(answerAfter, answerPattern), idField);
        if (promptTemplate == null) {
            return mapping;
        }
        PromptTemplate template = PromptTemplate.plain(promptTemplate);
        return mapping.withTemplate(
                fields -> template.render(new Problem("", "", List.of(), "", withoutNulls(fields))));
    }

    /** A field that is null in a file is absent to a template. */
    private static Map<String, Object> withoutNulls(Map<String, @Nullable Object> fields) {
        Map<String, Object> present = new LinkedHashMap<>();
        fields.forEach((name, value) -> {
            if (value != null) {
                present.put(name, value);
            }
        });
        return present;
    }
}

package org.minpro.recipe;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.data.AnswerExtraction;
import org.minpro.data.Dataset;
import org.minpro.data.Message;
import org.minpro.data.Problem;
import org.minpro.data.RowMapping;
import org.minpro.text.PromptTemplate;
import org.minpro.text.TextException;

/** JSONL files whose rows have the same fields, and which of them are prompt and answer. */
public record SourceSection(
        @Doc("JSONL or Parquet files, one problem a row.") List<Path> files,

        @Doc("Field with the prompt: a text, or a list of {role, content} messages. A name with dots is a path into"
                + " nested fields. Rows without 'prompt' may have 'messages'.")
        String promptField,

        @Doc("The prompt made of several fields, such as \"{Body} {Question}\"; null takes prompt-field as it is.")
        @Nullable String promptTemplate,

        @Doc("Field with the reference answer, a text or a number, such as reward_model.ground_truth.")
        String answerField,

        @Doc("The answer is what follows the last occurrence of this text in its field, such as \"####\"; null for all"
                + " of it.")
        @Nullable String answerAfter,

        @Doc("The answer is the last match of this regular expression (its first group if it has one) in what is left;"
                + " null for all of it.")
        @Nullable String answerPattern,

        @Doc("Field that names a problem; null names it by a hash of its prompt.") @Nullable String idField) {

    public SourceSection {
        files = List.copyOf(files);
        Rule.check(!promptField.isBlank(), "prompt-field", "a name", "'" + promptField + "'");
        Rule.check(!answerField.isBlank(), "answer-field", "a name", "'" + answerField + "'");
        extraction(answerAfter, answerPattern);
        template(promptTemplate);
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

    private static @Nullable PromptTemplate template(@Nullable String text) {
        try {
            return text == null ? null : PromptTemplate.plain(text);
        } catch (TextException e) {
            throw new IllegalArgumentException("prompt-template: " + e.getMessage(), e);
        }
    }

    /** From rows to problems. */
    public RowMapping mapping() {
        RowMapping mapping =
                new RowMapping(promptField, null, answerField, extraction(answerAfter, answerPattern), idField);
        PromptTemplate template = template(promptTemplate);
        return template == null ? mapping : mapping.withTemplate(fields -> render(template, fields));
    }

    private static String render(PromptTemplate template, Map<String, @Nullable Object> fields) {
        // A field that is null in the file is absent to a template.
        Map<String, @Nullable Object> given = new LinkedHashMap<>(fields);
        given.values().removeIf(value -> value == null);
        try {
            // No prompt of its own, so that {prompt} is a field of the row or an error.
            return template.render(new Problem("", null, List.of(new Message("user", "")), "", given));
        } catch (TextException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    /**
     * Reads the problems.
     *
     * @param folder what relative paths are relative to
     * @param progress told how far a large file is read
     * @param kept JSON Lines of more bytes than these stay in their files
     */
    public Dataset read(Path folder, Dataset.Progress progress, long kept) {
        return Dataset.read(paths(folder, files), mapping(), progress, kept);
    }

    /** Files in a folder; as they are given where it is the current one, because messages name them. */
    static List<Path> paths(Path folder, List<Path> files) {
        return folder.equals(Path.of("."))
                ? files
                : files.stream().map(folder::resolve).toList();
    }
}

package org.minpro.recipe;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.data.AnswerExtraction;
import org.minpro.data.RowMapping;

/** Which problems, and which of their fields are prompt and answer. */
public record DataSection(
        @Doc("JSONL files, one problem a line. Empty for the built-in task: sums worked out step by step, without end.")
        List<Path> files,

        @Doc("How many numbers a problem of the built-in task adds, 2 to 64.")
        int terms,

        @Doc("Field with the prompt: a text, or a list of {role, content} messages.")
        String promptField,

        @Doc("The prompt made of several fields, such as \"{Body} {Question}\"; null takes prompt-field" + " as it is.")
        @Nullable String promptTemplate,

        @Doc("Field with the reference answer: a text or a number.")
        String answerField,

        @Doc("The answer is what follows the last occurrence of this text in its field, such as \"####\"; null for all"
                + " of it.")
        @Nullable String answerAfter,

        @Doc("The answer is the last match of this regular expression (its first group if it has one) in what is left;"
                + " null for all of it.")
        @Nullable String answerPattern,

        @Doc("Field that names a problem; null names it by a hash of its prompt.") @Nullable String idField,

        @Doc("Share of the files' problems that is kept for evaluation, [0, 1): chosen by a hash of the prompt, so the"
                + " parts never meet.")
        double heldOut,

        @Doc("Another number, another split.") long splitSeed,

        @Doc("Files of problems to evaluate on instead of a share of the training files.")
        List<Path> evaluationFiles) {

    public DataSection {
        files = List.copyOf(files);
        evaluationFiles = List.copyOf(evaluationFiles);
        Rule.check(terms >= 2 && terms <= 64, "terms", "in [2, 64]", terms);
        Rule.check(!promptField.isBlank(), "prompt-field", "a name", "'" + promptField + "'");
        Rule.check(!answerField.isBlank(), "answer-field", "a name", "'" + answerField + "'");
        extraction(answerAfter, answerPattern);
        Rule.check(heldOut >= 0 && heldOut < 1, "held-out", "in [0, 1)", heldOut);
    }

    public DataSection() {
        this(List.of(), 10, "prompt", null, "answer", null, null, null, 0.2, 0, List.of());
    }

    private static AnswerExtraction extraction(@Nullable String after, @Nullable String pattern) {
        try {
            return new AnswerExtraction(after, pattern);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("answer-" + e.getMessage(), e);
        }
    }

    public boolean isBuiltin() {
        return files.isEmpty();
    }

    /** Fields to problems, but for the prompt template, which the text package compiles. */
    public RowMapping mapping() {
        return new RowMapping(promptField, null, answerField, extraction(answerAfter, answerPattern), idField);
    }
}

package org.minpro.recipe;

import java.nio.file.Path;
import java.util.List;
import java.util.function.LongFunction;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.environment.GuessTheNumber;
import org.minpro.task.ArithmeticTask;
import org.minpro.task.CalculatorDemonstrations;
import org.minpro.task.Countdown;
import org.minpro.task.CountdownDemonstrations;
import org.minpro.task.CountdownTask;
import org.minpro.task.Demonstration;
import org.minpro.task.Demonstrations;
import org.minpro.task.ExpressionDemonstrations;
import org.minpro.task.ExpressionTask;
import org.minpro.task.GuessDemonstrations;
import org.minpro.task.GuessTask;

/** What {@code minpro sft} learns from: prompts with completions. */
public record DemonstrationSection(
        @Doc(
                "JSONL or Parquet files, one prompt with its completion, or one conversation, a row. Empty for demonstrations of a built-in task.")
        List<Path> files,

        @Doc("Folder that files are relative to.") Path folder,

        @Doc("The built-in task: sums worked out step by step (arithmetic), or a target to be made of some numbers"
                + " (countdown), a number to be guessed in several turns (guess-the-number), or a formula in words to be"
                + " written as a Java method (expression).")
        BuiltinTask task,

        @Doc("How many numbers a sum of the task arithmetic has, 2 to 64.")
        int terms,

        @Doc("How many numbers a problem of the task countdown has, 2 to 6.")
        int numbers,

        @Doc("Chance that a step of a demonstration of arithmetic writes the sum down at once, [0, 1].")
        double hastyShare,

        @Doc(
                "Chance that such a hasty step forgets a carry, or that a method of expression forgets parentheses, [0, 1].")
        double slipShare,

        @Doc(
                "Chance that a demonstration of arithmetic has a calculator compute the sum, [0, 1]; for environment tools.")
        double callShare,

        @Doc(
                "Chance that a demonstration of guess-the-number halves what its hints have left, [0, 1]; else it guesses at"
                        + " random.")
        double halvingShare,

        @Doc("Field with the prompt: a text, or a list of {role, content} messages. A name with dots is a path into"
                + " nested fields. Rows without 'prompt' may have 'messages'.")
        String promptField,

        @Doc("The prompt made of several fields, such as \"{Body} {Question}\"; null takes prompt-field as it is.")
        @Nullable String promptTemplate,

        @Doc("Field with the completion: a text, or messages. Without it the assistant's turns of the prompt's messages"
                + " are learnt.")
        String completionField,

        @Doc("What this regular expression matches is removed from completions, such as \"<<[^>]*>>\"; null for"
                + " nothing.")
        @Nullable String completionRemove,

        @Doc(
                "Share of the files' examples that is kept for the evaluation loss, [0, 1): chosen by a hash of the prompt.")
        double heldOut,

        @Doc("Files of examples to measure the evaluation loss on instead of a share of the files.")
        List<Path> evaluationFiles) {
    public DemonstrationSection {
        files = List.copyOf(files);
        evaluationFiles = List.copyOf(evaluationFiles);
        Rule.check(heldOut >= 0 && heldOut < 1, "held-out", "in [0, 1)", heldOut);
        ArithmeticTask.checkTerms(terms);
        Countdown.checkNumbers(numbers);
        Demonstrations.checkShares(hastyShare, slipShare);
        Rule.share("call-share", callShare);
        Rule.share("halving-share", halvingShare);
        Rule.check(!promptField.isBlank(), "prompt-field", "a name", "'" + promptField + "'");
        Rule.check(!completionField.isBlank(), "completion-field", "a name", "'" + completionField + "'");
        if (completionRemove != null) {
            try {
                Pattern.compile(completionRemove);
            } catch (PatternSyntaxException e) {
                throw new IllegalArgumentException(
                        "completion-remove must be a regular expression, got: '" + completionRemove + "' ("
                                + e.getDescription() + ")",
                        e);
            }
        }
    }

    public DemonstrationSection() {
        this(
                List.of(),
                Path.of("."),
                BuiltinTask.ARITHMETIC,
                ArithmeticTask.DEFAULT_TERMS,
                CountdownTask.DEFAULT_NUMBERS,
                0.6,
                0.5,
                0,
                0,
                "prompt",
                null,
                "completion",
                null,
                0,
                List.of());
    }

    /** The files' paths. */
    public List<Path> paths() {
        return SourceSection.paths(folder, files);
    }

    /** The evaluation files' paths. */
    public List<Path> evaluationPaths() {
        return SourceSection.paths(folder, evaluationFiles);
    }

    public boolean isBuiltin() {
        return files.isEmpty();
    }

    /** The demonstrations of the built-in task, by index from 0. */
    public LongFunction<Demonstration> builtinDemonstrations(long seed) {
        return switch (task) {
            case ARITHMETIC ->
                new CalculatorDemonstrations(
                        new Demonstrations(ArithmeticTask.training(seed, terms), seed, hastyShare, slipShare),
                        callShare)::demonstration;
            case COUNTDOWN -> new CountdownDemonstrations(CountdownTask.training(seed, numbers), seed)::demonstration;
            case GUESS_THE_NUMBER ->
                new GuessDemonstrations(GuessTask.training(seed), seed, new GuessTheNumber().guesses(), halvingShare)
                        ::demonstration;
            case EXPRESSION ->
                new ExpressionDemonstrations(ExpressionTask.training(seed), seed, slipShare)::demonstration;
        };
    }
}

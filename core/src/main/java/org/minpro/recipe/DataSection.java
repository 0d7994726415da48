package org.minpro.recipe;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.data.Dataset;
import org.minpro.data.ProblemSource;
import org.minpro.environment.Environment;
import org.minpro.environment.GuessTheNumber;
import org.minpro.reward.JavaReward;
import org.minpro.reward.MathReward;
import org.minpro.reward.Reward;
import org.minpro.reward.Rewards;
import org.minpro.task.ArithmeticReward;
import org.minpro.task.ArithmeticTask;
import org.minpro.task.Countdown;
import org.minpro.task.CountdownReward;
import org.minpro.task.CountdownTask;
import org.minpro.task.ExpressionTask;
import org.minpro.task.GuessTask;

/** Which problems, and which of their fields are prompt and answer. */
public record DataSection(
        @Doc("JSONL or Parquet files, one problem a row. Empty for a built-in task, whose problems have no end.")
        List<Path> files,

        @Doc("Folder that files, evaluation-files and those of more are relative to.")
        Path folder,

        @Doc("The built-in task: sums worked out step by step (arithmetic), or a target to be made of some numbers"
                + " (countdown), a number to be guessed in several turns (guess-the-number), or a formula in words to be"
                + " written as a Java method (expression).")
        BuiltinTask task,

        @Doc("How many numbers a sum of the task arithmetic has, 2 to 64.")
        int terms,

        @Doc("How many numbers a problem of the task countdown has, 2 to 6.")
        int numbers,

        @Doc("Field with the prompt: a text, or a list of {role, content} messages. A name with dots is a path into"
                + " nested fields. Rows without 'prompt' may have 'messages'.")
        String promptField,

        @Doc("The prompt made of several fields, such as \"{Body} {Question}\"; null takes prompt-field" + " as it is.")
        @Nullable String promptTemplate,

        @Doc("Field with the reference answer, a text or a number, such as reward_model.ground_truth.")
        String answerField,

        @Doc("The answer is what follows the last occurrence of this text in its field, such as \"####\"; null for all"
                + " of it.")
        @Nullable String answerAfter,

        @Doc("The answer is the last match of this regular expression (its first group if it has one) in what is left;"
                + " null for all of it.")
        @Nullable String answerPattern,

        @Doc("Field that names a problem; null names it by a hash of its prompt.") @Nullable String idField,

        @Doc("Files with other fields, each a section with files, prompt-field, prompt-template, answer-field,"
                + " answer-after, answer-pattern and id-field of its own.")
        List<SourceSection> more,

        @Doc("Share of the files' problems that is kept for evaluation, [0, 1): chosen by a hash of the prompt, so the"
                + " parts never meet.")
        double heldOut,

        @Doc("A different seed gives a different split.") long splitSeed,

        @Doc("Files of problems to evaluate on instead of a share of the training files.")
        List<Path> evaluationFiles) {

    public DataSection {
        files = List.copyOf(files);
        more = List.copyOf(more);
        evaluationFiles = List.copyOf(evaluationFiles);
        ArithmeticTask.checkTerms(terms);
        Countdown.checkNumbers(numbers);
        Rule.check(heldOut >= 0 && heldOut < 1, "held-out", "in [0, 1)", heldOut);
        // The rules of one source are those of each.
        source(files, promptField, promptTemplate, answerField, answerAfter, answerPattern, idField);
    }

    public DataSection() {
        this(
                List.of(),
                Path.of("."),
                BuiltinTask.ARITHMETIC,
                ArithmeticTask.DEFAULT_TERMS,
                CountdownTask.DEFAULT_NUMBERS,
                "prompt",
                null,
                "answer",
                null,
                null,
                null,
                List.of(),
                0.2,
                0,
                List.of());
    }

    private static SourceSection source(
            List<Path> files,
            String promptField,
            @Nullable String promptTemplate,
            String answerField,
            @Nullable String answerAfter,
            @Nullable String answerPattern,
            @Nullable String idField) {
        return new SourceSection(files, promptField, promptTemplate, answerField, answerAfter, answerPattern, idField);
    }

    public boolean isBuiltin() {
        return files.isEmpty() && more.isEmpty();
    }

    /** Problems of the built-in task to train on, without end. */
    public ProblemSource builtinProblems(long seed) {
        return switch (task) {
            case ARITHMETIC -> ArithmeticTask.training(seed, terms);
            case COUNTDOWN -> CountdownTask.training(seed, numbers);
            case GUESS_THE_NUMBER -> GuessTask.training(seed);
            case EXPRESSION -> ExpressionTask.training(seed);
        };
    }

    /** Problems of the built-in task to evaluate on, disjoint from those of every seed's training part. */
    public ProblemSource builtinHeldOut(long seed) {
        return switch (task) {
            case ARITHMETIC -> ArithmeticTask.heldOut(seed, terms);
            case COUNTDOWN -> CountdownTask.heldOut(seed, numbers);
            case GUESS_THE_NUMBER -> GuessTask.heldOut(seed);
            case EXPRESSION -> ExpressionTask.heldOut(seed);
        };
    }

    /** What judges the built-in task. */
    Reward builtinReward() {
        return switch (task) {
            case ARITHMETIC -> new ArithmeticReward();
            case COUNTDOWN -> new CountdownReward();
            // Its environment scores; a reward of another's would be asked for by name.
            case GUESS_THE_NUMBER -> new MathReward();
            case EXPRESSION -> Rewards.made(new JavaReward());
        };
    }

    /** What answers the turns of the built-in task; null where it has one turn. */
    @Nullable Environment builtinEnvironment() {
        return task == BuiltinTask.GUESS_THE_NUMBER ? new GuessTheNumber() : null;
    }

    /** What the built-in task is, in a few words. */
    public String builtinDescription() {
        return switch (task) {
            case ARITHMETIC -> "built-in sums of " + terms + " numbers, without end";
            case COUNTDOWN -> "built-in countdown problems of " + numbers + " numbers, without end";
            case GUESS_THE_NUMBER -> "built-in numbers to be guessed, without end";
            case EXPRESSION -> "built-in formulas to be written in Java, without end";
        };
    }

    /** The settings that say how files are read, where they are not the defaults. */
    List<String> ofFiles() {
        DataSection defaults = new DataSection();
        List<String> settings = new ArrayList<>();
        addIfOther(settings, "prompt-field", promptField, defaults.promptField);
        addIfOther(settings, "prompt-template", promptTemplate, defaults.promptTemplate);
        addIfOther(settings, "answer-field", answerField, defaults.answerField);
        addIfOther(settings, "answer-after", answerAfter, defaults.answerAfter);
        addIfOther(settings, "answer-pattern", answerPattern, defaults.answerPattern);
        addIfOther(settings, "id-field", idField, defaults.idField);
        return settings;
    }

    private static void addIfOther(
            List<String> settings, String name, @Nullable String value, @Nullable String defaultValue) {
        if (!Objects.equals(value, defaultValue)) {
            settings.add(name);
        }
    }

    /**
     * Reads all problems to split or to train on.
     *
     * @param progress told how far a large file is read
     */
    public Dataset read(Dataset.Progress progress) {
        List<SourceSection> sources = new ArrayList<>(more);
        if (!files.isEmpty()) {
            sources.addFirst(first(files));
        }
        long bytes = sources.stream()
                .flatMap(source -> SourceSection.paths(folder, source.files()).stream())
                .mapToLong(path -> path.toFile().length())
                .sum();
        // Many sources that are small one by one may be too much for memory together.
        long kept = bytes > Dataset.KEPT_BYTES ? 0 : Dataset.KEPT_BYTES;
        return Dataset.join(
                sources.stream()
                        .map(source -> source.read(folder, progress, kept))
                        .toList(),
                progress);
    }

    /**
     * Reads the problems of the evaluation files.
     *
     * @param progress told how far a large file is read
     */
    public Dataset readEvaluationFiles(Dataset.Progress progress) {
        return first(evaluationFiles).read(folder, progress, Dataset.KEPT_BYTES);
    }

    /** Every file that is read, in the order of reading; none for the built-in task. */
    public List<Path> paths() {
        List<Path> paths = new ArrayList<>(SourceSection.paths(folder, files));
        more.forEach(source -> paths.addAll(SourceSection.paths(folder, source.files())));
        paths.addAll(SourceSection.paths(folder, evaluationFiles));
        return paths;
    }

    private SourceSection first(List<Path> paths) {
        return source(paths, promptField, promptTemplate, answerField, answerAfter, answerPattern, idField);
    }
}

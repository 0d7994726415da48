package org.minpro.eval;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.minpro.config.NearestName;
import org.minpro.data.AnswerExtraction;
import org.minpro.data.DataException;
import org.minpro.data.Message;
import org.minpro.data.Problem;
import org.minpro.data.Row;
import org.minpro.data.RowMapping;
import org.minpro.data.Rows;
import org.minpro.text.PromptTemplate;
import org.minpro.text.TextException;
import org.minpro.verify.AnswerExtractor;
import org.minpro.verify.ExtractedAnswer;

/**
 * A public set of mathematics problems, as its files name things. The texts are not part of this library.
 *
 * @param name what a command line calls it
 * @param title what people call it
 * @param files where a folder may hold it; the first that exists is read
 * @param questions fields that may hold the problem; the first that a row has is taken
 * @param answers fields that may hold the reference answer; the first that a row has is taken
 */
public record Benchmark(String name, String title, List<String> files, List<String> questions, List<Answer> answers) {
    /** The prompt of the field: the problem, then a request for steps and a box, in the message of a user. */
    public static final String PROMPT_TEMPLATE =
            "{problem}\nPlease reason step by step, and put your final answer within \\boxed{{}}.";

    /** The prompts of the field by name; the problem stands where each puts it. */
    private static final Map<String, String> PROMPT_TEMPLATES = Map.of(
            "boxed",
            PROMPT_TEMPLATE,
            "plain",
            "{problem}",
            // DAPO (arXiv 2503.14476): a last line "Answer: …", which the checker finds where there is no box.
            "dapo",
            "Solve the following math problem step by step. The last line of your response should be of the form Answer:"
                    + " $Answer (without quotes) where $Answer is the answer to the problem.\n\n{problem}\n\nRemember to"
                    + " put your answer on its own line after \"Answer:\".",
            // For base models, which have no chat template.
            "question-answer",
            "Question:\n{problem}\n\nAnswer:\nLet's think step by step.");

    private static final List<String> PROBLEM = List.of("problem", "question");
    private static final Answer PLAIN = new Answer("answer", Form.PLAIN);
    private static final Answer SOLUTION = new Answer("solution", Form.BOXED);

    /** A field with a reference answer. */
    record Answer(String field, Form form) {}

    /** How a field holds its answer. */
    enum Form {
        /** As it is, or as the only element of a list. */
        PLAIN,
        /** After the last {@code ####}. */
        AFTER_HASHES,
        /** In the last {@code \boxed{}}. */
        BOXED
    }

    public Benchmark {
        files = List.copyOf(files);
        questions = List.copyOf(questions);
        answers = List.copyOf(answers);
    }

    /** The known ones; the order is part of the random numbers: a new one is added at the end. */
    private static final List<Benchmark> TABLE = List.of(
            new Benchmark("aime24", "AIME 2024", files("aime24"), PROBLEM, List.of(PLAIN)),
            new Benchmark("aime25", "AIME 2025", files("aime25"), PROBLEM, List.of(PLAIN)),
            new Benchmark("amc23", "AMC 2023", files("amc23"), PROBLEM, List.of(PLAIN)),
            new Benchmark("math500", "MATH-500", files("math500"), PROBLEM, List.of(PLAIN, SOLUTION)),
            new Benchmark("minerva", "Minerva", files("minerva", "minerva_math"), PROBLEM, List.of(PLAIN, SOLUTION)),
            new Benchmark(
                    "olympiadbench",
                    "OlympiadBench",
                    files("olympiadbench"),
                    PROBLEM,
                    List.of(new Answer("final_answer", Form.PLAIN), PLAIN)),
            new Benchmark(
                    "gsm8k",
                    "GSM8K",
                    files("gsm8k", "gsm8k_test"),
                    PROBLEM,
                    List.of(new Answer("answer", Form.AFTER_HASHES))),
            new Benchmark(
                    "svamp",
                    "SVAMP",
                    files("svamp"),
                    List.of("Question", "problem", "question"),
                    List.of(new Answer("Answer", Form.PLAIN), PLAIN)),
            new Benchmark(
                    "multiarith",
                    "MultiArith",
                    files("multiarith"),
                    List.of("input", "problem", "question", "sQuestion"),
                    List.of(
                            new Answer("target", Form.PLAIN),
                            PLAIN,
                            new Answer("final_ans", Form.PLAIN),
                            new Answer("lSolutions", Form.PLAIN))));

    private static List<String> files(String... names) {
        List<String> files = new ArrayList<>();
        for (String name : names) {
            files.add(name + ".jsonl");
            files.add(name + "/test.jsonl");
        }
        return files;
    }

    /** Texts with which a base model that has answered begins the next question, by the name of the prompt. */
    private static final Map<String, List<String>> STOPS = Map.of("question-answer", List.of("\nQuestion:"));

    /**
     * Texts that end a response to a named prompt; none for a template of one's own.
     *
     * @param nameOrText as in {@link #template}
     */
    public static List<String> stop(String nameOrText) {
        return STOPS.getOrDefault(nameOrText, List.of());
    }

    /**
     * A prompt template by its name, or as it is where it holds a placeholder.
     *
     * @throws IllegalArgumentException if it is neither
     */
    public static String template(String nameOrText) {
        String named = PROMPT_TEMPLATES.get(nameOrText);
        if (named != null) {
            return named;
        }
        if (nameOrText.contains("{")) {
            return nameOrText;
        }
        throw new IllegalArgumentException(NearestName.message(
                "--prompt-template must hold {problem}, or", nameOrText, new TreeSet<>(PROMPT_TEMPLATES.keySet())));
    }

    /** The names of all benchmarks. */
    public static List<String> names() {
        return TABLE.stream().map(Benchmark::name).toList();
    }

    /**
     * The benchmark of that name.
     *
     * @throws IllegalArgumentException names the known ones and the nearest of them
     */
    public static Benchmark of(String name) {
        return TABLE.stream()
                .filter(benchmark -> benchmark.name.equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(NearestName.message("a benchmark", name, names())));
    }

    /** The first ordinal of its problems among those of all benchmarks, so that they share no random numbers. */
    public long firstDraw() {
        return (TABLE.indexOf(this) + 1L) << 24;
    }

    /**
     * The file of this benchmark in a folder.
     *
     * @throws DataException if there is none
     */
    public Path file(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new DataException("the benchmarks' folder must exist, got: " + folder + " (looked for "
                    + folder.toAbsolutePath().normalize() + ")");
        }
        return files.stream()
                .map(folder::resolve)
                .filter(Files::isRegularFile)
                .findFirst()
                .orElseThrow(() -> new DataException(title + " must be in " + folder + " as one of "
                        + String.join(", ", files) + ", got: none of them"));
    }

    /**
     * Reads the problems.
     *
     * <p>A problem's id is a hash of its text, whatever the prompt, so that evaluations with different prompts compare;
     * a text that occurs again gets {@code -2}, {@code -3}, ... after it and stays, as the field counts it.
     *
     * @param file JSON lines
     * @param template placeholders {@code {problem}} and the row's fields
     * @param most problems to take, the first of the file
     * @throws DataException names file and line
     */
    public List<Problem> read(Path file, String template, int most) {
        PromptTemplate prompt = PromptTemplate.plain(template);
        List<Problem> problems = new ArrayList<>();
        Map<String, Integer> seen = new HashMap<>();
        try (Rows reader = Rows.open(file)) {
            for (Row row = reader.next(); row != null && problems.size() < most; row = reader.next()) {
                Problem plain = problem(row);
                int times = seen.merge(plain.id(), 1, Integer::sum);
                problems.add(new Problem(
                        times == 1 ? plain.id() : plain.id() + "-" + times,
                        render(prompt, plain, row),
                        List.of(),
                        plain.answer(),
                        row.fields()));
            }
        }
        if (problems.isEmpty()) {
            throw new DataException(file + " must hold at least one row, got: none");
        }
        return problems;
    }

    private static String render(PromptTemplate prompt, Problem plain, Row row) {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>(row.fields());
        fields.values().removeIf(value -> value == null);
        fields.put("problem", plain.prompt());
        try {
            return prompt.render(
                    new Problem(plain.id(), null, List.of(new Message("user", "")), plain.answer(), fields));
        } catch (TextException e) {
            throw row.error(String.valueOf(e.getMessage()));
        }
    }

    /** The problem with its own text as the prompt. */
    private Problem problem(Row row) {
        String question = question(row);
        Answer answer = answers.stream()
                .filter(candidate -> row.has(candidate.field()))
                .findFirst()
                .orElseThrow(() -> missing(
                        row, "the answer", answers.stream().map(Answer::field).toList()));
        AnswerExtraction extraction =
                answer.form() == Form.AFTER_HASHES ? new AnswerExtraction("####", null) : AnswerExtraction.NONE;
        Problem problem = new RowMapping("", fields -> question, answer.field(), extraction, null).problem(row);
        if (answer.form() != Form.BOXED) {
            return problem;
        }
        String boxed = AnswerExtractor.LAST_BOXED
                .extract(problem.answer())
                .map(ExtractedAnswer::text)
                .filter(text -> !text.isBlank())
                .orElseThrow(
                        () -> row.error("field '" + answer.field() + "' must hold an answer in \\boxed{}, got: none"));
        return Problem.of(problem.id(), question, boxed);
    }

    private String question(Row row) {
        String field = questions.stream()
                .filter(row::has)
                .findFirst()
                .orElseThrow(() -> missing(row, "the problem", questions));
        String question = row.string(field).strip();
        if (!row.has("Body")) {
            return question;
        }
        // SVAMP tells the story and asks in two fields; some stories lack their full stop.
        String body = row.string("Body").strip();
        return body + (body.endsWith(".") ? " " : ". ") + question;
    }

    private static DataException missing(Row row, String what, List<String> fields) {
        return row.error(what + " must be in field '" + String.join("' or '", fields) + "', got: a row with '"
                + String.join("', '", row.fields().keySet()) + "'");
    }
}

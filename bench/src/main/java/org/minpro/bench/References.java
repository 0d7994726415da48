package org.minpro.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.minpro.data.Row;
import org.minpro.data.Rows;
import org.minpro.verify.AnswerExtractor;

/**
 * The distinct references of the public mathematics sets.
 *
 * <p>{@code References FOLDER OUT}: writes those of each file of FOLDER that is there into {@code OUT/NAME.txt}, one a line,
 * a line end within a reference as U+2424, as {@link VerifyBenchmark} and {@code bench/verify} read them.
 */
public final class References {
    private record Source(String name, String field) {}

    private static final List<Source> SOURCES = List.of(
            new Source("math_train_deepscaler", "answer"),
            new Source("math500", "answer"),
            new Source("olympiadbench", "final_answer"),
            new Source("minerva_math", "solution"),
            new Source("aime24", "answer"),
            new Source("aime25", "answer"),
            new Source("amc23", "answer"),
            new Source("dapo_math_17k", "answer"));

    private References() {}

    public static void main(String[] args) throws IOException {
        if (args.length != 2) {
            System.err.println("usage: References FOLDER OUT");
            System.exit(2);
        }
        Path out = Files.createDirectories(Path.of(args[1]));
        for (Map.Entry<String, List<String>> set : read(Path.of(args[0])).entrySet()) {
            Path file = out.resolve(set.getKey() + ".txt");
            Files.write(
                    file,
                    set.getValue().stream()
                            .map(text -> text.replace('\n', '\u2424'))
                            .toList());
            System.out.println(file + ": " + set.getValue().size());
        }
    }

    /** Distinct references by the file's name without {@code .jsonl}. */
    static Map<String, List<String>> read(Path folder) {
        Map<String, List<String>> sets = new LinkedHashMap<>();
        for (Source source : SOURCES) {
            Path file = folder.resolve(source.name() + ".jsonl");
            if (Files.exists(file)) {
                Set<String> answers = new LinkedHashSet<>();
                for (Row row : Rows.readAll(file)) {
                    Object value = row.fields().get(source.field());
                    Object first = value instanceof List<?> list && !list.isEmpty() ? list.getFirst() : value;
                    if (first != null) {
                        String text = first.toString();
                        answers.add(
                                source.field().equals("solution")
                                        ? AnswerExtractor.LAST_BOXED
                                                .extract(text)
                                                .orElseThrow(
                                                        () -> row.error("field 'solution' must have a \\boxed answer"))
                                                .text()
                                        : text);
                    }
                }
                sets.put(source.name(), new ArrayList<>(answers));
            }
        }
        if (sets.isEmpty()) {
            throw new IllegalArgumentException("FOLDER must have one of "
                    + SOURCES.stream().map(Source::name).toList() + " .jsonl, got: " + folder);
        }
        return sets;
    }
}

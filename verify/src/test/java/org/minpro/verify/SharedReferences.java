package org.minpro.verify;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The references of the public mathematics sets, where a folder {@code shared/data} lies beside the project. */
final class SharedReferences {
    private SharedReferences() {}

    /** The folder in this or an enclosing one, if it exists. */
    static Optional<Path> folder() {
        Path here = Path.of("").toAbsolutePath();
        while (here != null) {
            Path data = here.resolve("shared").resolve("data");
            if (Files.isRegularFile(data.resolve("math500.jsonl"))) {
                return Optional.of(data);
            }
            here = here.getParent();
        }
        return Optional.empty();
    }

    /** Distinct references by set. */
    static Map<String, List<String>> read(Path folder) {
        Map<String, List<String>> sets = new LinkedHashMap<>();
        sets.put("MATH train", answers(folder.resolve("math_train_deepscaler.jsonl"), "answer"));
        sets.put("MATH-500", answers(folder.resolve("math500.jsonl"), "answer"));
        sets.put("OlympiadBench", answers(folder.resolve("olympiadbench.jsonl"), "final_answer"));
        sets.put("Minerva", boxes(answers(folder.resolve("minerva_math.jsonl"), "solution")));
        sets.put("AIME 2024", answers(folder.resolve("aime24.jsonl"), "answer"));
        sets.put("AIME 2025", answers(folder.resolve("aime25.jsonl"), "answer"));
        sets.put("AMC 2023", answers(folder.resolve("amc23.jsonl"), "answer"));
        sets.put("DAPO", answers(folder.resolve("dapo_math_17k.jsonl"), "answer"));
        return sets;
    }

    private static List<String> boxes(List<String> solutions) {
        return solutions.stream()
                .map(text ->
                        AnswerExtractor.LAST_BOXED.extract(text).orElseThrow().text())
                .toList();
    }

    private static List<String> answers(Path file, String field) {
        Set<String> answers = new LinkedHashSet<>();
        try {
            for (String line : Files.readAllLines(file)) {
                String value = field(line, field);
                if (value != null) {
                    answers.add(value);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new ArrayList<>(answers);
    }

    /** The text or number of a field of one JSON object, or the first text of its list; null where it is null. */
    static @org.jspecify.annotations.Nullable String field(String json, String name) {
        String key = "\"" + name + "\":";
        int at = json.indexOf(key);
        if (at < 0) {
            throw new IllegalArgumentException("a line must have the field " + name + ", got: " + json);
        }
        int i = at + key.length();
        while (json.charAt(i) == ' ' || json.charAt(i) == '[') {
            i++;
        }
        StringBuilder text = new StringBuilder();
        if (json.charAt(i) != '"') {
            while (",}]".indexOf(json.charAt(i)) < 0) {
                text.append(json.charAt(i++));
            }
            return text.toString().equals("null") ? null : text.toString().strip();
        }
        i++;
        while (json.charAt(i) != '"') {
            if (json.charAt(i) != '\\') {
                text.append(json.charAt(i++));
                continue;
            }
            i++;
            switch (json.charAt(i)) {
                case 'n' -> text.append('\n');
                case 't' -> text.append('\t');
                case 'r' -> text.append('\r');
                case 'b', 'f' -> text.append(' ');
                case 'u' -> {
                    text.append((char) Integer.parseInt(json.substring(i + 1, i + 5), 16));
                    i += 4;
                }
                default -> text.append(json.charAt(i));
            }
            i++;
        }
        return text.toString();
    }
}

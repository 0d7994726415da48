package org.minpro.app;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.minpro.recipe.Recipe;
import org.minpro.report.Block;
import org.minpro.run.JsonLines;
import org.minpro.run.ModelFiles;
import org.minpro.run.RunFiles;
import org.minpro.run.WholeFile;
import org.minpro.study.RunKey;
import org.minpro.text.Tokenizer;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Responses with the ratios of their tokens: of a run the one of its last iteration that has drifted farthest, from the
 * {@code tokens.jsonl} and the journal in its folder. A study keeps for each variant the one that drifted farthest, beside its tables.
 */
final class StudyRollouts {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String FILE = "rollouts.jsonl";

    private StudyRollouts() {}

    /**
     * Keeps that of a run, where the run recorded tokens and the study has none of the same variant that drifted farther.
     *
     * @param variant the run's label on the axis that is compared
     */
    static void keep(Path run, Path study, RunKey key, String variant, Recipe recipe) throws IOException {
        Optional<Block.Tokens> found = of(run, key.toString(), recipe);
        if (found.isEmpty()) {
            return;
        }
        Path file = study.resolve(FILE);
        List<String> lines = new ArrayList<>();
        for (JsonNode kept : JsonLines.of(file)) {
            if (!kept.has("variant")) {
                continue;
            }
            if (!kept.path("variant").asString("").equals(variant)) {
                lines.add(kept.toString());
            } else if (drift(tokens(kept)) >= drift(found.get())) {
                return;
            }
        }
        lines.add(new JsonLine()
                .with("variant", variant)
                .with("title", found.get().title())
                .with(
                        "tokens",
                        found.get().tokens().stream()
                                .map(token -> Map.of(
                                        "text", token.text(), "log_ratio", token.logRatio(), "note", token.note()))
                                .toList())
                .toString());
        WholeFile.write(file, String.join("\n", lines) + "\n");
    }

    private static double drift(Block.Tokens response) {
        return Math.abs(
                response.tokens().stream().mapToDouble(Block.Token::logRatio).sum());
    }

    /** Those that a study has kept. */
    static List<Block.Tokens> read(Path study) {
        List<Block.Tokens> all = new ArrayList<>();
        for (JsonNode line : JsonLines.of(study.resolve(FILE))) {
            all.add(tokens(line));
        }
        return all;
    }

    private static Block.Tokens tokens(JsonNode line) {
        List<Block.Token> tokens = new ArrayList<>();
        for (JsonNode token : line.path("tokens")) {
            tokens.add(new Block.Token(
                    token.path("text").asString(""),
                    token.path("log_ratio").doubleValue(0),
                    token.path("note").asString("")));
        }
        return new Block.Tokens(line.path("title").asString(""), tokens);
    }

    /**
     * That of a run; empty where it recorded none.
     *
     * @param name of the run, for the title
     */
    static Optional<Block.Tokens> of(Path run, String name, Recipe recipe) throws IOException {
        RunFiles files = new RunFiles(run);
        List<JsonNode> row = farthest(files.tokens());
        if (row.isEmpty()) {
            return Optional.empty();
        }
        long draw = row.getFirst().path("draw").longValue();
        int sample = row.getFirst().path("sample").intValue();
        Optional<JsonNode> response = response(files.journal(), draw, sample);
        if (response.isEmpty()) {
            return Optional.empty();
        }
        List<Block.Token> tokens = new ArrayList<>();
        double sum = 0;
        JsonNode ids = response.get().path("response_ids");
        try (Tokenizer tokenizer =
                ModelFiles.withoutWeights(recipe.model().path()).tokenizer()) {
            for (JsonNode at : row) {
                int position = at.path("position").intValue();
                double logRatio =
                        at.path("log_pi").doubleValue(0) - at.path("log_mu").doubleValue(0);
                sum += logRatio;
                String text = tokenizer.decode(new int[] {ids.path(position).intValue()}, false);
                tokens.add(new Block.Token(text, logRatio, note(at, logRatio)));
            }
        }
        String title = String.format(
                Locale.ROOT,
                "%s: to %s, reward %s; tokens %d updates old in iteration %d, Σ log ρ = %.2f",
                name,
                response.get().path("problem").asString(""),
                response.get().path("score").path("value").asString(""),
                row.getFirst().path("age").longValue(0),
                row.getFirst().path("iteration").longValue(0) + 1,
                sum);
        return Optional.of(new Block.Tokens(title, tokens));
    }

    private static String note(JsonNode token, double logRatio) {
        return String.format(
                Locale.ROOT,
                "ρ %.3f, log μ %.3f, log π %.3f, prefix minimum %.3f, weight %s, entropy %s",
                Math.exp(logRatio),
                token.path("log_mu").doubleValue(0),
                token.path("log_pi").doubleValue(0),
                token.path("min_prefix").doubleValue(Double.NaN),
                number(token.path("weight")),
                number(token.path("entropy")));
    }

    private static String number(JsonNode value) {
        return value.isNumber() ? String.format(Locale.ROOT, "%.3f", value.doubleValue()) : "-";
    }

    /** The tokens of the last iteration's row with the largest |sum log ratio|. */
    private static List<JsonNode> farthest(Path file) throws IOException {
        Map<String, List<JsonNode>> rows = new LinkedHashMap<>();
        if (!Files.exists(file)) {
            return List.of();
        }
        long iteration = -1;
        try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                JsonNode token = JSON.readTree(line);
                if (token.path("iteration").longValue() > iteration) {
                    iteration = token.path("iteration").longValue();
                    rows.clear();
                }
                rows.computeIfAbsent(
                                token.path("update") + " " + token.path("draw") + " " + token.path("sample"),
                                key -> new ArrayList<>())
                        .add(token);
            }
        } catch (JacksonException e) {
            // A crash cut the last line.
        }
        List<JsonNode> farthest = List.of();
        double most = -1;
        for (List<JsonNode> row : rows.values()) {
            double sum = Math.abs(row.stream()
                    .mapToDouble(token -> token.path("log_pi").doubleValue(0)
                            - token.path("log_mu").doubleValue(0))
                    .sum());
            if (sum > most) {
                most = sum;
                farthest = row;
            }
        }
        return farthest;
    }

    private static Optional<JsonNode> response(Path journal, long draw, int sample) throws IOException {
        if (!Files.exists(journal)) {
            return Optional.empty();
        }
        String start = "\"draw\":" + draw + ",\"sample\":" + sample + ",";
        try (BufferedReader lines = Files.newBufferedReader(journal, StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.contains(start)) {
                    JsonNode node = JSON.readTree(line);
                    if (node.path("draw").longValue() == draw
                            && node.path("sample").intValue() == sample) {
                        return Optional.of(node);
                    }
                }
            }
        } catch (JacksonException e) {
            // A crash cut the last line.
        }
        return Optional.empty();
    }
}

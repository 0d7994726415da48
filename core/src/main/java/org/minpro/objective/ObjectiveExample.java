package org.minpro.objective;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.minpro.config.NearestName;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One update as JSON, evaluated in float64: what {@code minpro objectives NAME --evaluate} reads and what the golden
 * files hold.
 *
 * <p>{@code log_probs}, {@code behavior_log_probs}, {@code advantages} and {@code mask} are arrays of rows; rows may have
 * different lengths. {@code proximal_log_probs}, {@code reference_log_probs}, {@code sampling_log_probs}, {@code entropy},
 * {@code collision} (the sum of squared probabilities), {@code ages}, {@code groups} (a number for each row),
 * {@code anchor} ({@code behavior} or {@code proximal}), {@code aggregation} and {@code length} are optional. Numbers at masked
 * tokens do not matter and may be null.
 *
 * @param tokens the arrays {@code [row][token]} by name
 * @param mask 1 where the policy wrote the token, else 0
 * @param aggregation the aggregation asked for, or null
 * @param anchor the denominator of the ratios
 */
public record ObjectiveExample(
        Map<String, double[][]> tokens,
        double[][] mask,
        @Nullable Aggregation aggregation,
        Anchor anchor) {
    private static final String LOG_PROBS = "log_probs";
    private static final String ADVANTAGES = "advantages";
    private static final String ENTROPY = "entropy";
    private static final String COLLISION = "collision";
    private static final String AGES = "ages";
    private static final String GROUPS = "groups";
    private static final Set<String> REQUIRED =
            new TreeSet<>(Set.of(LOG_PROBS, key(LogProbStream.BEHAVIOR), ADVANTAGES, "mask"));
    private static final Set<String> OPTIONAL = Set.of(
            key(LogProbStream.PROXIMAL),
            key(LogProbStream.REFERENCE),
            key(LogProbStream.SAMPLING),
            ENTROPY,
            COLLISION,
            AGES,
            GROUPS,
            "anchor",
            "aggregation",
            "length");
    private static final List<String> OF_TOKENS = List.of(
            LOG_PROBS,
            key(LogProbStream.BEHAVIOR),
            key(LogProbStream.PROXIMAL),
            key(LogProbStream.REFERENCE),
            key(LogProbStream.SAMPLING),
            ADVANTAGES,
            ENTROPY,
            COLLISION,
            AGES);
    private static final JsonMapper JSON = new JsonMapper();

    /**
     * The answer: the loss and its gradient with respect to the log-probabilities.
     *
     * @param gradient in the shape of {@code log_probs}, 0 at masked tokens
     */
    public record Answer(double loss, double[][] gradient) {
        boolean isFinite() {
            return Double.isFinite(loss)
                    && Arrays.stream(gradient).flatMapToDouble(Arrays::stream).allMatch(Double::isFinite);
        }

        /** {@code {"loss": ..., "gradient": [[...]]}}, doubles written so that they read back exactly. */
        public String toJson() {
            ObjectNode json = JSON.createObjectNode();
            json.put("loss", loss);
            ArrayNode rows = json.putArray("gradient");
            for (double[] row : gradient) {
                ArrayNode numbers = rows.addArray();
                for (double number : row) {
                    numbers.add(number);
                }
            }
            return json.toString();
        }
    }

    /**
     * Reads one example.
     *
     * @throws IllegalArgumentException naming everything that is wrong
     */
    public static ObjectiveExample parse(JsonNode json) {
        List<String> problems = new ArrayList<>();
        if (!json.isObject()) {
            throw new IllegalArgumentException("example must be a JSON object, got: " + json.getNodeType());
        }
        Set<String> known = new TreeSet<>(REQUIRED);
        known.addAll(OPTIONAL);
        for (String name : json.propertyNames()) {
            if (!known.contains(name)) {
                problems.add(NearestName.message("key", name, known));
            }
        }
        for (String name : REQUIRED) {
            if (!json.hasNonNull(name)) {
                problems.add(name + " must be an array of rows, got: nothing");
            }
        }
        double[][] mask = json.hasNonNull("mask") ? rows("mask", json.get("mask"), null, problems) : null;
        if (mask == null) {
            throw new IllegalArgumentException(String.join("; ", problems));
        }
        Map<String, double[][]> tokens = new TreeMap<>();
        for (String name : OF_TOKENS) {
            if (json.hasNonNull(name)) {
                tokens.put(name, rows(name, json.get(name), mask, problems));
            }
        }
        if (json.hasNonNull(GROUPS)) {
            tokens.put(GROUPS, groups(json.get(GROUPS), mask, problems));
        }
        Anchor anchor = switch (json.path("anchor").asString("behavior")) {
            case "behavior" -> Anchor.BEHAVIOR;
            case "proximal" -> Anchor.PROXIMAL;
            default -> {
                problems.add("anchor must be one of behavior, proximal, got: " + json.get("anchor"));
                yield Anchor.BEHAVIOR;
            }
        };
        Aggregation aggregation = null;
        try {
            JsonNode length = json.path("length");
            if (json.hasNonNull("length") && !length.isInt()) {
                problems.add("length must be a whole number of tokens, got: " + length);
            }
            if (json.hasNonNull("aggregation")) {
                Aggregation.Mode mode =
                        Aggregation.of(json.get("aggregation").asString()).mode();
                aggregation = new Aggregation(mode, length.isInt() ? length.asInt() : 0);
            }
        } catch (IllegalArgumentException e) {
            problems.add(String.valueOf(e.getMessage()));
        }
        if (anchor == Anchor.PROXIMAL && !tokens.containsKey(key(LogProbStream.PROXIMAL))) {
            problems.add(key(LogProbStream.PROXIMAL) + " must be given with anchor proximal, got: nothing");
        }
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("; ", problems));
        }
        return new ObjectiveExample(tokens, mask, aggregation, anchor);
    }

    private static double[][] rows(String name, JsonNode json, double @Nullable [][] mask, List<String> problems) {
        if (!json.isArray()) {
            problems.add(name + " must be an array of rows, got: " + json.getNodeType());
            return new double[0][];
        }
        if (mask != null && json.size() != mask.length) {
            problems.add(name + " must have " + mask.length + " rows like mask, got: " + json.size());
            return new double[0][];
        }
        double[][] rows = new double[json.size()][];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = numbers(name + "[" + i + "]", json.get(i), mask == null ? null : mask[i], problems);
        }
        return rows;
    }

    /** One whole number for each row, on all its tokens. */
    private static double[][] groups(JsonNode json, double[][] mask, List<String> problems) {
        if (!json.isArray() || json.size() != mask.length) {
            problems.add(GROUPS + " must be an array of " + mask.length
                    + " whole numbers, one for each row of mask, got: " + json);
            return new double[0][];
        }
        double[][] groups = new double[mask.length][];
        for (int i = 0; i < groups.length; i++) {
            if (!json.get(i).isInt()) {
                problems.add(GROUPS + "[" + i + "] must be a whole number, got: " + json.get(i));
            }
            groups[i] = new double[mask[i].length];
            Arrays.fill(groups[i], json.get(i).asInt(0));
        }
        return groups;
    }

    private static double[] numbers(String name, JsonNode json, double @Nullable [] mask, List<String> problems) {
        if (!json.isArray()) {
            problems.add(name + " must be an array of numbers, got: " + json.getNodeType());
            return new double[0];
        }
        if (mask != null && json.size() != mask.length) {
            problems.add(name + " must have " + mask.length + " tokens like mask, got: " + json.size());
            return new double[0];
        }
        boolean isMask = name.startsWith("mask[");
        double[] numbers = new double[json.size()];
        for (int t = 0; t < numbers.length; t++) {
            JsonNode number = json.get(t);
            if (isMask) {
                numbers[t] =
                        number.isBoolean() ? (number.asBoolean() ? 1 : 0) : number.isNumber() ? number.asDouble() : -1;
                if (numbers[t] != 0 && numbers[t] != 1) {
                    problems.add(name + "[" + t + "] must be 1, 0, true or false, got: " + number);
                }
            } else if (number.isNumber() && Double.isFinite(number.asDouble())) {
                numbers[t] = number.asDouble();
            } else if (mask == null || mask[t] != 0) {
                problems.add(name + "[" + t + "] must be a finite number, got: " + number);
            }
        }
        return numbers;
    }

    /** With another denominator of the ratios. */
    public ObjectiveExample withAnchor(Anchor changed) {
        return new ObjectiveExample(tokens, mask, aggregation, changed);
    }

    /**
     * The objective's loss and gradient on this example, in float64, with the example's aggregation and anchor.
     *
     * @throws IllegalArgumentException if the objective needs something that is not there, or another aggregation
     */
    public Answer evaluate(Objective objective) {
        return evaluate(Loss.of(objective, List.of(), List.of(), aggregation, anchor));
    }

    /**
     * A loss and its gradient on this example, in float64, with the aggregation and the anchor of the loss.
     *
     * @throws IllegalArgumentException if the loss needs something that is not there
     */
    public Answer evaluate(Loss loss) {
        try (Scope scope = Scope.open()) {
            LossEvaluation evaluation = LossEvaluation.of(loss, inputs(loss));
            double[] padded = evaluation.gradient().doubles();
            int width = width();
            double[][] gradient = new double[mask.length][];
            for (int i = 0; i < mask.length; i++) {
                gradient[i] = Arrays.copyOfRange(padded, i * width, i * width + mask[i].length);
            }
            Answer answer = new Answer(evaluation.loss(), gradient);
            if (!answer.isFinite()) {
                throw new IllegalArgumentException("loss and gradient must be finite in float64, got: loss "
                        + answer.loss() + "; the advantages or the ratios are too large");
            }
            return answer;
        }
    }

    /** The tensors that a loss asks for, float64, rows padded to the longest; they belong to the open scope. */
    public ObjectiveInputs inputs(Loss loss) {
        Tensor logProbs = required(LOG_PROBS);
        Map<LogProbStream, Tensor> streams = new EnumMap<>(LogProbStream.class);
        loss.streams().forEach(stream -> streams.put(stream, required(key(stream))));
        Map<Statistic, Tensor> statistics = new EnumMap<>(Statistic.class);
        loss.statistics().forEach(statistic -> statistics.put(statistic, required(key(statistic))));
        return new ObjectiveInputs(
                logProbs, logProbs, streams, required(ADVANTAGES), tensor(mask), statistics, loss.anchor());
    }

    private static String key(LogProbStream stream) {
        return stream + "_log_probs";
    }

    private static String key(Statistic statistic) {
        return switch (statistic) {
            case ENTROPY, LIVE_ENTROPY -> ENTROPY;
            case COLLISION -> COLLISION;
            case AGE -> AGES;
            case GROUP -> GROUPS;
        };
    }

    private int width() {
        return Arrays.stream(mask).mapToInt(row -> row.length).max().orElse(0);
    }

    private Tensor required(String name) {
        double[][] rows = tokens.get(name);
        if (rows == null) {
            throw new IllegalArgumentException(name + " must be given for this loss, got: nothing");
        }
        return tensor(rows);
    }

    private Tensor tensor(double[][] rows) {
        int width = width();
        double[] padded = new double[rows.length * width];
        for (int i = 0; i < rows.length; i++) {
            System.arraycopy(rows[i], 0, padded, i * width, rows[i].length);
        }
        return Tensor.of(Device.CPU, padded, rows.length, width);
    }
}

package org.minpro.app;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.config.JsonProblem;
import org.minpro.config.NamedRecords;
import org.minpro.config.Settings;
import org.minpro.data.DataException;
import org.minpro.objective.Aggregation;
import org.minpro.objective.Described;
import org.minpro.objective.Loss;
import org.minpro.objective.LossChecks;
import org.minpro.objective.Objective;
import org.minpro.objective.ObjectiveExample;
import org.minpro.objective.Objectives;
import org.minpro.recipe.Recipe;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MappingIterator;
import tools.jackson.databind.json.JsonMapper;

/** {@code minpro objectives}. */
@Command(
        name = "objectives",
        mixinStandardHelpOptions = true,
        description = {
            "Lists the objectives with family, loss of a token and defaults, explains one with a chart of its"
                    + " gradient coefficient, evaluates one, or checks one.",
            "",
            "With --evaluate, input: {\"log_probs\":[[…]],\"behavior_log_probs\":[[…]],\"advantages\":[[…]],"
                    + "\"mask\":[[…]],\"aggregation\":\"token-mean\"}, one object or several, with optional"
                    + " proximal_log_probs, reference_log_probs, sampling_log_probs, entropy, collision (sum of squared"
                    + " probabilities), ages, groups (a number for each row), anchor (behavior, proximal)"
                    + " and length (of constant-length).",
            "Output, a line for each: {\"loss\":…,\"gradient\":[[…]]}, the gradient with respect to log_probs, in"
                    + " float64.",
            "",
            "With --check: finite differences, padding, masked tokens, the order of rows, micro-batches, an empty update,"
                    + " extreme ratios, float32, and a gradient that is not zero. Output: a line for each check, 'ok' or"
                    + " 'FAILED' with the place and the numbers. Exit code 1 if one fails."
        })
final class ObjectivesCommand implements Callable<Integer> {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    /** What a sum over a padded row may be rounded away from the sum over the row alone. */
    private static final double ROUNDING = 1e-12;

    private final Console console;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Parameters(
            arity = "0..1",
            paramLabel = "NAME",
            description = "An objective, or the name of a class that implements org.minpro.objective.Objective.")
    private @Nullable String name;

    @Option(names = "--evaluate", paramLabel = "F", description = "JSON to evaluate the objective on; - for stdin.")
    private @Nullable String evaluate;

    @Option(names = "--check", description = "Checks the objective on small random updates.")
    private boolean check;

    @Option(names = "--set", paramLabel = "K=V", description = "Changes a parameter, such as cap=3; may be repeated.")
    private List<String> sets = List.of();

    @Mixin
    private ClassPathOption classPath = new ClassPathOption();

    ObjectivesCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        if (name == null) {
            if (evaluate != null || check || !sets.isEmpty()) {
                throw new ParameterException(
                        spec.commandLine(),
                        "NAME must be given with " + (evaluate != null ? "--evaluate" : check ? "--check" : "--set"));
            }
            list();
            return 0;
        }
        Settings settings = new Settings();
        sets.forEach(settings::set);
        Objective objective = Recipe.binder(classPath.loader()).choose(Objectives.table(), name, settings);
        if (check && evaluate != null) {
            throw new ParameterException(spec.commandLine(), "--check must stand without --evaluate");
        }
        if (check) {
            return check(objective) ? 0 : Main.FAILED;
        }
        if (evaluate == null) {
            show(objective);
        } else {
            evaluate(objective, evaluate);
        }
        return 0;
    }

    /** Whether every check holds. */
    private boolean check(Objective objective) {
        Loss loss = Loss.of(objective);
        LossChecks checks = new LossChecks(loss, ROUNDING);
        int failed = 0;
        for (LossChecks.Check one : LossChecks.Check.values()) {
            String name = one.name().toLowerCase(Locale.ROOT).replace('_', '-');
            Optional<String> failure = checks.failure(one);
            console.result(
                    String.format("%-6s  %-18s  %s", failure.isEmpty() ? "ok" : "FAILED", name, one.description()));
            failure.ifPresent(where -> console.result("        " + where));
            failed += failure.isEmpty() ? 0 : 1;
        }
        checks.differenceFromReinforceOnPolicy()
                .filter(where -> objective.isReinforceOnPolicy())
                .ifPresent(where -> console.result(
                        "note    on policy the gradient is not that of REINFORCE; that may be" + " meant: " + where));
        if (!loss.vanishesWithAdvantages() && checks.vanishes()) {
            console.result("note    without advantages there is no gradient: vanishesWithAdvantages() may be true, and"
                    + " such updates are then skipped");
        }
        console.say(Objectives.nameOf(objective) + ": "
                + (failed == 0
                        ? "all checks hold"
                        : failed + " of " + LossChecks.Check.values().length + " checks failed"));
        return failed == 0;
    }

    private void list() {
        int width = width(Objectives.table().names());
        int familyWidth = width(Objectives.entries().stream()
                .map(entry -> described(entry.type()).map(Described::family).orElse(""))
                .toList());
        for (NamedRecords.Entry<Objective> entry : Objectives.entries()) {
            String parameters = Objectives.defaults(entry.name()).entrySet().stream()
                    .map(parameter -> parameter.getKey() + "=" + shown(parameter.getValue()))
                    .collect(Collectors.joining(" "));
            Optional<Described> described = described(entry.type());
            console.result(padded(entry.name(), width) + "  "
                    + padded(described.map(Described::family).orElse(""), familyWidth) + "  "
                    + described.map(Described::formula).orElse(entry.summary())
                    + (parameters.isEmpty() ? "" : " (" + parameters + ")"));
        }
    }

    private static int width(List<String> words) {
        return words.stream().mapToInt(String::length).max().orElse(0);
    }

    private static String padded(String word, int width) {
        return word + " ".repeat(width - word.length());
    }

    private static Optional<Described> described(Class<?> type) {
        return Optional.ofNullable(type.getAnnotation(Described.class));
    }

    private void show(Objective objective) {
        String shownName = Objectives.nameOf(objective);
        Objectives.entries().stream()
                .filter(entry -> entry.name().equals(shownName))
                .findFirst()
                .ifPresent(entry -> console.result(entry.name() + ": " + entry.summary()));
        described(objective.getClass()).ifPresent(described -> {
            console.result("family: " + described.family());
            console.result("loss of a token: " + described.formula());
            console.result("source: " + described.source());
        });
        Aggregation required = objective.requiredAggregation();
        console.result("aggregation: " + (required == null ? "any, token-mean by default" : required + ", no other"));
        Map<String, ?> parameters = Objectives.table().parameters(objective);
        RecordComponent @Nullable [] components = objective.getClass().getRecordComponents();
        int index = 0;
        for (Map.Entry<String, ?> parameter : parameters.entrySet()) {
            Doc doc = components == null ? null : components[index++].getAnnotation(Doc.class);
            console.result(
                    parameter.getKey() + "=" + shown(parameter.getValue()) + (doc == null ? "" : "  " + doc.value()));
        }
        try {
            GradientChart.of(objective).forEach(console::result);
        } catch (IllegalArgumentException | IllegalStateException e) {
            console.result("no chart of its gradient: " + e.getMessage());
        }
    }

    private static String shown(@Nullable Object value) {
        return String.valueOf(value).toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private void evaluate(Objective objective, String input) {
        String source = input.equals("-") ? "<stdin>" : input;
        if (Files.isDirectory(Path.of(input))) {
            throw new DataException(source + " must be a JSON file, got: a folder");
        }
        long line = 1;
        try (InputStream stream = input.equals("-") ? console.in() : Files.newInputStream(Path.of(input));
                MappingIterator<JsonNode> examples =
                        MAPPER.readerFor(JsonNode.class).readValues(stream)) {
            int count = 0;
            while (examples.hasNextValue()) {
                line = examples.parser().currentTokenLocation().getLineNr();
                JsonNode json = examples.nextValue();
                try {
                    console.result(
                            ObjectiveExample.parse(json).evaluate(objective).toJson());
                } catch (IllegalArgumentException e) {
                    throw new DataException(source + ":" + line + ": " + e.getMessage(), e);
                }
                count++;
            }
            if (count == 0) {
                throw new DataException(source + " must hold at least one JSON object, got: nothing");
            }
        } catch (JacksonException e) {
            int at = e.getLocation() == null ? (int) line : e.getLocation().getLineNr();
            throw new DataException(source + ":" + at + ": is not valid JSON: " + JsonProblem.of(e), e);
        } catch (NoSuchFileException e) {
            throw new DataException(source + " does not exist", e);
        } catch (IOException e) {
            throw new UncheckedIOException(source + " cannot be read: " + e.getMessage(), e);
        }
    }
}

package org.minpro.app;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Settings;
import org.minpro.data.JsonlReader;
import org.minpro.data.Row;
import org.minpro.recipe.Recipe;
import org.minpro.reward.MathReward;
import org.minpro.reward.Rewards;
import org.minpro.run.RunFiles;
import org.minpro.verify.Verdict;
import org.minpro.verify.VerdictAudit;
import org.minpro.verify.Verifier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code minpro audit-verdicts}. */
@Command(
        name = "audit-verdicts",
        mixinStandardHelpOptions = true,
        description = {
            "Checks stored completions again, to find false verdicts.",
            "",
            "FILE is what 'minpro eval --completions' writes, a run's folder or its journal.jsonl, or any JSONL"
                    + " with lines {\"id\":…,\"gold\":…,\"answer\":…,\"score\":…}; the score is right at 1, undecided at"
                    + " null; \"verdict\":\"right|wrong|undecided\" may stand in its place.",
            "Output: what a person should look at, grouped: verdicts that differ from the stored ones, undecided"
                    + " ones by reason, suspicious ones, whose completion holds another answer or whose answer is near, and"
                    + " the wrong answers that are given most often."
        })
final class AuditVerdictsCommand implements Callable<Integer> {
    private static final int LONGEST_SHOWN = 120;

    private final Console console;

    @Parameters(paramLabel = "FILE", description = "JSONL file, or a run's folder; - for stdin.")
    private String file = "-";

    @Option(
            names = "--answer-from",
            paramLabel = "P,…",
            description = "Where completions state their answer, as in reward 'math': automatic, or boxed, hashes,"
                    + " answer-is, whole, formula, number in order. Default: a run's own, else automatic.")
    private @Nullable String answerFrom;

    @Option(names = "--occurrence", paramLabel = "O", description = "first or last of several answers. Default: last.")
    private @Nullable String occurrence;

    @Option(
            names = "--examples",
            paramLabel = "N",
            defaultValue = "3",
            description = "Examples of each group. Default: ${DEFAULT-VALUE}.")
    private int examples = 3;

    @Option(names = "--json", description = "One JSON object a line for every case, none left out.")
    private boolean json;

    @Mixin
    private final StopOption stop = new StopOption();

    @Mixin
    private final ClassPathOption classPath = new ClassPathOption();

    AuditVerdictsCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        if (examples < 1) {
            throw new IllegalArgumentException("--examples must be >= 1, got: " + examples);
        }
        Path path = Path.of(file);
        RunFiles files = new RunFiles(path);
        boolean run = Files.isDirectory(path);
        if (run && !Files.isRegularFile(files.journal())) {
            throw new IllegalArgumentException("a folder must be that of a run, with a journal.jsonl, got: " + path);
        }
        VerdictAudit audit = new VerdictAudit(verifier(run ? files.recipe() : null), examples);
        String source = run ? files.journal().toString() : file;
        try (JsonlReader reader = InputOptions.open(source, console)) {
            for (Row row = reader.next(); row != null; row = reader.next()) {
                Stored stored = stored(row);
                audit.check(stored.id(), stored.gold(), stored.completion(), stored.verdict())
                        .filter(found -> json)
                        .ifPresent(this::write);
            }
        }
        if (json) {
            audit.groups().stream()
                    .filter(group -> group.finding() == VerdictAudit.Finding.FREQUENT)
                    .flatMap(group -> group.examples().stream())
                    .forEach(this::write);
            console.say(summary(audit));
        } else {
            report(audit);
        }
        return 0;
    }

    /** The checker of the run's reward, unless options say otherwise. */
    private Verifier verifier(@Nullable Path recipe) {
        ClassLoader loader = classPath.loader();
        MathReward run = new MathReward();
        if (recipe != null && Files.isRegularFile(recipe)) {
            Recipe stored = Recipe.binder(loader).bind(Recipe.class, new Settings().file(recipe));
            run = stored.reward() instanceof MathReward math ? math : run;
        }
        Map<String, @Nullable Object> parameters =
                new LinkedHashMap<>(Rewards.table().parameters(run));
        if (answerFrom != null) {
            parameters.put("answer-from", answerFrom);
        }
        if (occurrence != null) {
            parameters.put("occurrence", occurrence);
        }
        MathReward reward = (MathReward) Rewards.of("math", parameters, loader);
        return stop.before(reward.verifier());
    }

    private record Stored(String id, String gold, String completion, Verdict.@Nullable Kind verdict) {}

    /** A line of a journal, whose "answer" is the reference, or one with "gold", whose "answer" is the completion. */
    private static Stored stored(Row row) {
        boolean journal = row.has("text") && row.has("draw") && !row.has("gold");
        String gold = row.string(journal ? "answer" : "gold");
        String completion = row.string(journal ? "text" : "answer");
        String name = journal ? "problem" : "id";
        String id = row.place() + (row.has(name) ? " " + row.required(name) : "");
        return new Stored(id, gold, completion, verdict(row));
    }

    private static Verdict.@Nullable Kind verdict(Row row) {
        if (row.has("verdict")) {
            String word = row.string("verdict").toUpperCase(Locale.ROOT);
            for (Verdict.Kind kind : Verdict.Kind.values()) {
                if (kind.name().equals(word)) {
                    return kind;
                }
            }
            throw row.wrongKind("verdict", "right, wrong or undecided", row.string("verdict"));
        }
        if (!row.fields().containsKey("score")) {
            return null;
        }
        Object score = row.fields().get("score");
        if (score instanceof Map<?, ?> journaled) {
            if (!(journaled.get("decided") instanceof Boolean decided)) {
                throw row.wrongKind("score", "an object with decided and value", score);
            }
            // Of a weighted sum the part that this check judges says more than the sum.
            Object math = journaled.get("parts") instanceof Map<?, ?> parts ? parts.get("math") : null;
            score = decided ? Objects.requireNonNullElse(math, journaled.get("value")) : null;
        }
        if (score == null) {
            return Verdict.Kind.UNDECIDED;
        }
        if (!(score instanceof Number value)) {
            throw row.wrongKind("score", "a number or null", score);
        }
        return value.doubleValue() >= 1 ? Verdict.Kind.RIGHT : Verdict.Kind.WRONG;
    }

    private void write(VerdictAudit.Case found) {
        console.result(new JsonLine()
                .with("finding", word(found.finding()))
                .with("what", found.what())
                .with("id", found.id())
                .with("gold", found.gold())
                .with("extracted", found.extracted())
                .with("stored", found.stored() == null ? null : word(found.stored()))
                .with("verdict", word(found.verdict().kind()))
                .with("reason", word(found.verdict().reason()))
                .with("gold_form", found.verdict().gold())
                .with("answer_form", found.verdict().answer())
                .with("times", found.times())
                .toString());
    }

    private void report(VerdictAudit audit) {
        console.result(summary(audit));
        for (VerdictAudit.Group group : audit.groups()) {
            console.result("");
            console.result(word(group.finding()) + ", " + group.count() + ": " + group.what());
            for (VerdictAudit.Case found : group.examples()) {
                console.result("  " + (found.times() > 1 ? found.times() + " times, first " : "") + found.id());
                console.result("    reference  "
                        + withForm(found.gold(), found.verdict().gold()));
                console.result("    answer     "
                        + withForm(found.extracted(), found.verdict().answer()));
            }
            int left = group.count() - group.examples().size();
            if (left > 0) {
                console.result("  and " + left + " more" + (group.examples().size() < examples ? " like these" : ""));
            }
        }
    }

    private static String summary(VerdictAudit audit) {
        int disagreeing = 0;
        int suspicious = 0;
        for (VerdictAudit.Group group : audit.groups()) {
            disagreeing += group.finding() == VerdictAudit.Finding.DISAGREES ? group.count() : 0;
            suspicious += group.finding() == VerdictAudit.Finding.SUSPICIOUS ? group.count() : 0;
        }
        return audit.checked() + " completions: " + audit.count(Verdict.Kind.RIGHT) + " right, "
                + audit.count(Verdict.Kind.WRONG) + " wrong, " + audit.count(Verdict.Kind.UNDECIDED) + " undecided; "
                + disagreeing + " of " + audit.stored() + " stored verdicts disagree; " + suspicious
                + " are suspicious";
    }

    private static String withForm(String text, String form) {
        String shown = oneLine(text);
        return shown.equals(oneLine(form)) || form.isEmpty() ? shown : shown + "   read as   " + oneLine(form);
    }

    private static String oneLine(String text) {
        String line = text.strip().replaceAll("\\s*\\R\\s*", " \u2424 ");
        return line.isEmpty()
                ? "(none)"
                : line.length() <= LONGEST_SHOWN ? line : line.substring(0, LONGEST_SHOWN) + "…";
    }

    private static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}

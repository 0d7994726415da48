package org.minpro.app;

import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.minpro.data.JsonlReader;
import org.minpro.data.Row;
import org.minpro.eval.SequenceScorer;
import org.minpro.model.Kernels;
import org.minpro.model.PolicyVersion;
import org.minpro.model.Transformer;
import org.minpro.run.MemoryEstimate;
import org.minpro.run.ModelFiles;
import org.minpro.run.Positions;
import org.minpro.tensor.Engine;
import org.minpro.tensor.Workers;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code minpro score}. */
@Command(
        name = "score",
        mixinStandardHelpOptions = true,
        description = {
            "Computes the log-probabilities of given tokens.",
            "",
            "Input lines: {\"ids\":[…]} or {\"prompt\":\"…\",\"completion\":\"…\"}, which are tokenised separately; no"
                    + " token is added. With ids no tokenizer is needed. Any other field is an error.",
            "Output lines: {\"ids\":[…],\"log_probs\":[null,…]}: natural logarithm, each token given all before it,"
                    + " before any truncation."
        })
final class ScoreCommand implements Callable<Integer> {
    /** Lines that are in work at once. */
    private static final int LINES = 64;

    private final Console console;

    @Mixin
    private final MemoryCheck memory;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Mixin
    private InputOptions input = new InputOptions();

    @Mixin
    private final PositionOption positionOption = new PositionOption();

    @Option(
            names = "--temperature",
            paramLabel = "T",
            defaultValue = "1",
            description =
                    "Divides the logits: that of the sampling that is compared with; by default ${DEFAULT-VALUE}.")
    private double temperature;

    ScoreCommand(Console console, MemoryCheck memory) {
        this.console = console;
        this.memory = memory;
    }

    @Override
    public Integer call() {
        if (!(temperature > 0 && Double.isFinite(temperature))) {
            throw new IllegalArgumentException("--temperature must be > 0 and finite, got: " + temperature);
        }
        ModelFiles files = model.open();
        Kernels.notices(Engine.device(), model.type(files)).forEach(console::say);
        memory.require(MemoryEstimate.ofScoring(files.config(), model.type(files)), "--dtype to bf16");
        try (JsonlReader reader = input.open(console);
                Texts texts = new Texts(files.path(), LocalDate.now(ZoneId.systemDefault()), console);
                Workers workers = model.workers();
                Transformer transformer = model.transformer(files);
                PolicyVersion version = new PolicyVersion(0, transformer);
                LiveLine live = new LiveLine(console)) {
            SequenceScorer scorer = new SequenceScorer(version.model(), workers, temperature);
            List<int[]> waiting = new ArrayList<>();
            long done = 0;
            for (Row row = next(reader, scorer, waiting); row != null; row = next(reader, scorer, waiting)) {
                int[] ids;
                try {
                    ids = ids(row, texts, positionOption.of(files.config()));
                } catch (RuntimeException e) {
                    score(scorer, waiting);
                    throw e;
                }
                waiting.add(ids);
                if (waiting.size() == LINES) {
                    done += waiting.size();
                    score(scorer, waiting);
                    live.show(done + " lines scored");
                }
            }
            score(scorer, waiting);
        }
        return 0;
    }

    /** The next row; what was read before a broken one is scored first. */
    private @Nullable Row next(JsonlReader reader, SequenceScorer scorer, List<int[]> waiting) {
        try {
            return reader.next();
        } catch (RuntimeException e) {
            score(scorer, waiting);
            throw e;
        }
    }

    private static int[] ids(Row row, Texts texts, Positions positions) {
        row.requireKnown(List.of("ids", "prompt", "completion"));
        int[] ids;
        boolean written = row.has("prompt") || row.has("completion");
        if (row.has("ids") == written) {
            throw row.error("must have either 'ids' or 'prompt' and 'completion'");
        }
        if (row.has("ids")) {
            ids = row.ids("ids");
        } else {
            int[] prompt = texts.encode(row.string("prompt"));
            int[] completion = texts.encode(row.string("completion"));
            ids = new int[prompt.length + completion.length];
            System.arraycopy(prompt, 0, ids, 0, prompt.length);
            System.arraycopy(completion, 0, ids, prompt.length, completion.length);
        }
        if (ids.length == 0) {
            throw row.error("must have at least one token, got: none");
        }
        Ids.check(row, ids, positions.model().vocabSize());
        String problem = positions.problem(ids.length);
        if (problem != null) {
            throw row.error(problem);
        }
        return ids;
    }

    private void score(SequenceScorer scorer, List<int[]> waiting) {
        List<double[]> scores = scorer.score(waiting);
        for (int i = 0; i < scores.size(); i++) {
            console.result(new JsonLine()
                    .with("ids", waiting.get(i))
                    .withLogProbs(1, scores.get(i))
                    .toString());
        }
        waiting.clear();
        console.flush();
    }
}

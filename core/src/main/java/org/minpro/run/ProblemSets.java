package org.minpro.run;

import java.util.ArrayList;
import java.util.List;
import org.minpro.data.Dataset;
import org.minpro.data.DatasetSource;
import org.minpro.data.Problem;
import org.minpro.data.ProblemSource;
import org.minpro.recipe.DataSection;

/**
 * A recipe's problems.
 *
 * @param training drawn from without end
 * @param heldOut to evaluate on; none of them is ever drawn for training
 * @param description what they are, in a few words
 * @param notices what the user should know of how their files were read, a line each
 */
public record ProblemSets(ProblemSource training, List<Problem> heldOut, String description, List<String> notices) {
    /** The seed of the built-in task's held-out problems: the same ones for every run, so that runs compare. */
    private static final long HELD_OUT_SEED = 0;

    public ProblemSets {
        heldOut = List.copyOf(heldOut);
        notices = List.copyOf(notices);
    }

    /** Problems of which there is nothing to say. */
    public ProblemSets(ProblemSource training, List<Problem> heldOut, String description) {
        this(training, heldOut, description, List.of());
    }

    /**
     * @param seed of the run
     * @param heldOut most problems to hold out for evaluation
     * @param progress told how far a large file is read
     */
    public static ProblemSets of(DataSection data, long seed, int heldOut, Dataset.Progress progress) {
        if (data.isBuiltin()) {
            ProblemSource held = data.builtinHeldOut(HELD_OUT_SEED);
            List<Problem> problems = new ArrayList<>();
            for (int i = 0; i < heldOut; i++) {
                problems.add(held.problem(i));
            }
            return new ProblemSets(data.builtinProblems(seed), problems, data.builtinDescription());
        }
        Dataset all = data.read(progress);
        if (!data.evaluationFiles().isEmpty()) {
            Dataset evaluated = data.readEvaluationFiles(progress);
            List<String> notices = new ArrayList<>(all.reading().notices());
            evaluated.reading().notices().forEach(line -> notices.add("data.evaluation-files: " + line));
            return new ProblemSets(
                    new DatasetSource(all, seed),
                    evaluated.limit(heldOut).problems(),
                    all.size() + " problems",
                    notices);
        }
        Dataset.Split split = all.split(data.heldOut(), data.splitSeed(), progress);
        if (split.train().size() == 0 && all.size() > 0) {
            throw new IllegalArgumentException("data.held-out must leave a problem to train on, got: " + data.heldOut()
                    + ", which keeps all " + all.size() + " of the files for evaluation");
        }
        return new ProblemSets(
                new DatasetSource(split.train(), seed),
                split.heldOut().limit(heldOut).problems(),
                split.train().size() + " problems (" + split.heldOut().size() + " held out by hash)",
                all.reading().notices());
    }
}

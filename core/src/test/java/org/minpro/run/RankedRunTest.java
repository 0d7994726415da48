package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.minpro.dist.Ranks;
import org.minpro.dist.RanksInThreads;
import org.minpro.model.ModelConfig;
import org.minpro.model.TinyModels;
import org.minpro.recipe.Recipe;
import org.minpro.tensor.DType;
import org.minpro.train.Reduce;

/** One process, two and four give the same bytes, and a run begun with some goes on with others. */
class RankedRunTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final int ITERATIONS = 6;

    @TempDir
    private Path temporary;

    private int folders;

    private Path folder() throws IOException {
        return new KilledRuns(temporary).newFolder("run-" + folders++);
    }

    private void go(Path folder, int ranks, boolean stopAfterFiveIterations, ResumableRun.Model model)
            throws Exception {
        go(folder, ranks, stopAfterFiveIterations, model, Reduce.ORDERED);
    }

    private void go(Path folder, int ranks, boolean stopAfterFiveIterations, ResumableRun.Model model, Reduce reduce)
            throws Exception {
        Recipe recipe = ResumableRun.recipe(model.staleness())
                .with("iterations", ITERATIONS)
                .with("ranks.reduce", reduce);
        if (ranks == 1) {
            assertThat(ResumableRun.go(
                            folder, new RunListener() {}, stopAfterFiveIterations, model, Ranks.alone(), recipe))
                    .isEqualTo(!stopAfterFiveIterations);
            return;
        }
        assertThat(RanksInThreads.run(
                        temporary.resolve("meeting-" + folders++),
                        ranks,
                        LIMIT,
                        of -> ResumableRun.go(
                                folder,
                                new RunListener() {},
                                stopAfterFiveIterations && of.rank() == 1,
                                model,
                                of,
                                recipe)))
                .containsOnly(!stopAfterFiveIterations);
    }

    @Test
    void twoRanksGiveTheBytesOfOneAndFourGoOnWithThem() throws Exception {
        Path one = folder();
        go(one, 1, false, ResumableRun.Model.WHOLE);
        KilledRuns.Left expected = KilledRuns.Left.in(one, ITERATIONS);
        Path two = folder();
        // The second rank asks to stop, and both do.
        go(two, 2, true, ResumableRun.Model.WHOLE);
        go(two, 4, false, ResumableRun.Model.WHOLE);
        KilledRuns.Left.in(two, ITERATIONS).assertSame(expected);
    }

    /** In bfloat16 the master weights and those of the reference are shared out, too. */
    @ParameterizedTest
    @Tag("slow")
    @CsvSource({"F32, 2, 1", "BF16, 2, 1", "BF16, 1, 4", "BF16, 4, 2"})
    void aRunGoesOnWithAnotherNumberOfRanks(String type, int before, int after) throws Exception {
        ResumableRun.Model model = new ResumableRun.Model("*", DType.valueOf(type), ResumableRun.DELAYED);
        Path one = folder();
        go(one, 1, false, model);
        Path two = folder();
        go(two, before, true, model);
        go(two, after, false, model);
        KilledRuns.Left.in(two, ITERATIONS).assertSame(KilledRuns.Left.in(one, ITERATIONS));
    }

    @Test
    @Tag("slow")
    void aRunWhoseRanksAddUpTheirOwnLanesGivesItsOwnBytesAgainAndGoesOnWithAnyNumber() throws Exception {
        Path whole = folder();
        go(whole, 2, false, ResumableRun.Model.WHOLE, Reduce.ALLREDUCE);
        Path stopped = folder();
        go(stopped, 2, true, ResumableRun.Model.WHOLE, Reduce.ALLREDUCE);
        go(stopped, 2, false, ResumableRun.Model.WHOLE, Reduce.ALLREDUCE);
        KilledRuns.Left.in(stopped, ITERATIONS).assertSame(KilledRuns.Left.in(whole, ITERATIONS));
        Path other = folder();
        go(other, 2, true, ResumableRun.Model.WHOLE, Reduce.ALLREDUCE);
        go(other, 1, false, ResumableRun.Model.WHOLE, Reduce.ALLREDUCE);
        assertThat(KilledRuns.Left.in(other, ITERATIONS).metrics()).hasSize(ITERATIONS);
    }

    @ParameterizedTest
    @Tag("slow")
    @CsvSource(
            delimiter = '|',
            value = {
                "{name: delayed, lag: 2} | F32 | true",
                "{name: delayed, lag: 2} | BF16 | false",
                "{name: replay, capacity: 3, order: uniform, uses: 2} | F32 | false",
                "{name: simulated, workers: 3, delays: [0, 1, 4], seed: 5} | F32 | false",
                "{name: async, max-age: 0} | F32 | false",
                "{name: async, max-age: 0} | F32 | true"
            })
    void anyNumberOfRanksGivesTheBytesOfOne(String staleness, String type, boolean experts) throws Exception {
        ResumableRun.Model model =
                new ResumableRun.Model("*", DType.valueOf(type), staleness, experts, ResumableRun.Turns.ONE);
        Path one = folder();
        go(one, 1, false, model);
        KilledRuns.Left expected = KilledRuns.Left.in(one, ITERATIONS);
        for (int ranks : new int[] {2, 4}) {
            Path several = folder();
            go(several, ranks, false, model);
            KilledRuns.Left.in(several, ITERATIONS).assertSame(expected);
            assertThat(Files.readAllLines(new RunFiles(several).journal()))
                    .hasSameSizeAs(Files.readAllLines(new RunFiles(one).journal()));
        }
    }

    @Test
    void thePlanSharesOutFloat32WeightsAndTheOptimizersState() {
        ModelConfig config = TinyModels.dense(1500);
        Recipe recipe = TinyRecipe.with(Map.of("compute.lanes", 1, "compute.workers", 1, "evaluation.problems", 0));
        // What each shares of a parameter: its mean, its mean square, and its master weight where that is not computed
        // with.
        for (DType type : List.of(DType.F32, DType.BF16)) {
            long shared = type == DType.F32 ? 8 : 12;
            assertThat(MemoryEstimate.ofTraining(recipe, config, type, 2, 2)
                            - MemoryEstimate.ofTraining(recipe, config, type, 4, 4))
                    .as("%s", type)
                    .isEqualTo(shared * config.parameterCount() / 2 - shared * config.parameterCount() / 4);
        }
    }
}

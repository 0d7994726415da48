package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.data.Problem;
import org.minpro.dist.RankLostException;
import org.minpro.dist.RanksInThreads;
import org.minpro.recipe.Recipe;
import org.minpro.reward.Score;

/** A program that runs as several ranks, each of which gives the recipe. */
final class RankedSessionTest {
    @TempDir
    private Path folder;

    private TrainingSession.Start start(double largestReward) {
        Recipe recipe = new Recipe()
                .with("runs", folder.resolve("runs"))
                .with("lag", 0)
                .with("iterations", 1)
                .with("updates-per-iteration", 1)
                .with("groups-per-iteration", 2)
                .with("group-size", 2)
                .with("sampling.max-new-tokens", 4)
                .with("compute.lanes", 2)
                .with("compute.workers", 1);
        return TrainingSession.of(recipe)
                .problems(draw -> Problem.of("p" + draw, draw % 10 + "+1=", ""))
                .heldOut(List.of(Problem.of("q", "2+2=", "")))
                .reward((problem, rollout) -> Score.of(largestReward * (rollout.sample() % 2)))
                .listener(new RunListener() {});
    }

    private List<Boolean> run(double largestReward) throws Exception {
        return RanksInThreads.run(folder.resolve("meeting"), 2, Duration.ofSeconds(60), ranks -> {
            if (ranks.rank() == 0) {
                try (TrainingSession session =
                        start(largestReward).ranks(path -> ranks).start()) {
                    return session.train().finished();
                }
            }
            try (TrainingSession session = start(largestReward).follow(ranks)) {
                return session.follow();
            }
        });
    }

    @Test
    void theDeviceThatIsChosenHereIsNoDifference() throws Exception {
        assertThat(new Recipe().compute().device()).isEqualTo("auto");
        assertThat(run(1)).containsExactly(true, true);
    }

    /** The others would else know only that it is gone. */
    @Test
    void aRankThatFailsWhileItStartsSaysWhyToTheOthers() {
        assertThatThrownBy(() -> RanksInThreads.run(folder.resolve("meeting"), 2, Duration.ofSeconds(60), ranks -> {
                    if (ranks.rank() == 0) {
                        return start(1).ranks(path -> ranks).start();
                    }
                    return start(1).memory(() -> 1).follow(ranks);
                }))
                .isInstanceOf(RankLostException.class)
                .hasMessageMatching("rank 1 on \\S+ failed: this run needs about .*");
    }

    @Test
    void allRanksEvaluateOrNoneWhereNothingWasLearnt() throws Exception {
        assertThat(run(0)).containsExactly(true, true);
    }
}

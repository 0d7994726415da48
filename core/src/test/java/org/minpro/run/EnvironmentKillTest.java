package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.recipe.Recipe;
import org.minpro.tensor.DType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Runs of several turns that are killed, most often in the middle of an episode, and continued. */
@Tag("slow")
final class EnvironmentKillTest {
    private static final int KILLS = Integer.getInteger("soak.kills", 5);
    private static final long SEED = Long.getLong("soak.seed", 307);

    @TempDir
    Path temporary;

    private static void requireSeveralTurns(KilledRuns.Left left) {
        List<JsonNode> rollouts =
                left.journal().stream().map(JsonMapper.shared()::readTree).toList();
        assertThat(rollouts.stream().filter(rollout -> rollout.has("response_mask")))
                .hasSizeGreaterThan(rollouts.size() / 2);
        assertThat(rollouts)
                .allMatch(rollout -> rollout.path("score").path("decided").booleanValue());
    }

    @Test
    void aRunWhoseEnvironmentIsReplayableContinuesBitForBit() throws Exception {
        KilledRuns runs = new KilledRuns(temporary);
        ResumableRun.Model model =
                new ResumableRun.Model("*", DType.F32, ResumableRun.DELAYED, ResumableRun.Turns.REPLAYABLE);
        Path whole = runs.newFolder("whole");
        assertThat(ResumableRun.go(whole, new RunListener() {}, false, model)).isTrue();
        KilledRuns.Left expected = KilledRuns.Left.in(whole);
        requireSeveralTurns(expected);
        runs.killAndContinue(model, KILLS, 0, SEED, left -> left.assertSame(expected));
    }

    /** Its episodes are others each time; what ended is trained on as it was, and what had not is begun anew. */
    @Test
    void aRunWhoseEnvironmentIsNotReplayableTrainsOnEveryResponseOnce() throws Exception {
        ResumableRun.Model model =
                new ResumableRun.Model("*", DType.F32, ResumableRun.DELAYED, ResumableRun.Turns.NOT_REPLAYABLE);
        Recipe recipe = ResumableRun.recipe(model.staleness(), model.turns());
        // Two iterations of two updates, and the one before.
        int oldest = 5;
        List<Map<String, byte[]>> checkpoints = new ArrayList<>();
        new KilledRuns(temporary).killAndContinue(model, KILLS, 0, SEED, left -> {
            requireSeveralTurns(left);
            StalenessKillTest.requireEachDrawOnce(left, recipe, oldest);
            synchronized (checkpoints) {
                checkpoints.add(left.checkpoint());
            }
        });
        // The runs do differ, so it was not a replayable one by mistake.
        assertThat(checkpoints.getFirst().get("weights.safetensors"))
                .isNotEqualTo(checkpoints.getLast().get("weights.safetensors"));
    }
}

package org.minpro.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.minpro.objective.LogProbStream;

class BlockPlanTest {
    @Test
    void equalGroupsBecomeBlocksOfTheirOwnAndShareTheirPrompt() {
        List<TrainingRow> rows = new ArrayList<>();
        for (int row = 0; row < 32; row++) {
            rows.add(row(row / 8, 75, 64));
        }
        List<BlockPlan.Block> blocks = BlockPlan.of(rows, 768, 2);
        assertThat(blocks).hasSize(4).allSatisfy(block -> {
            assertThat(block.tokens().prompts()).hasSize(1);
            assertThat(block.tokens().computedTokens()).isEqualTo(75 + 8 * 63);
        });
    }

    @Test
    void everyRowIsInOneBlockWithinTheBudgetAndLanesAreAlmostEqual() {
        Random random = new Random(5);
        for (int lanes = 1; lanes <= 3; lanes++) {
            List<TrainingRow> rows = new ArrayList<>();
            for (int row = 0; row < 48; row++) {
                rows.add(row(row / 4, 20 + 10 * (row / 4 % 5), 1 + random.nextInt(120)));
            }
            List<BlockPlan.Block> blocks = BlockPlan.of(rows, 700, lanes);
            assertThat(blocks.stream().flatMapToInt(block -> Arrays.stream(block.rows())))
                    .containsExactlyInAnyOrder(IntStream.range(0, 48).boxed().toArray(Integer[]::new));
            assertThat(blocks)
                    .allSatisfy(
                            block -> assertThat(block.tokens().computedTokens()).isLessThanOrEqualTo(700));
            long[] ofLane = new long[lanes];
            for (int b = 0; b < blocks.size(); b++) {
                ofLane[b % lanes] += blocks.get(b).tokens().computedTokens();
            }
            long mean = Arrays.stream(ofLane).sum() / lanes;
            assertThat(Arrays.stream(ofLane).max().orElseThrow()).isLessThan(mean * 5 / 4);
        }
    }

    @Test
    void aRowLongerThanTheBudgetIsABlockOfItsOwn() {
        List<TrainingRow> rows = List.of(row(0, 10, 20), row(1, 10, 500), row(2, 10, 20));
        List<BlockPlan.Block> blocks = BlockPlan.of(rows, 100, 1);
        assertThat(blocks).anySatisfy(block -> assertThat(block.rows()).containsExactly(1));
        assertThat(blocks.stream().flatMapToInt(block -> Arrays.stream(block.rows())))
                .containsExactlyInAnyOrder(0, 1, 2);
    }

    @Test
    void fewRowsStillGiveEveryLaneItsShare() {
        assertThat(BlockPlan.of(List.of(row(0, 10, 20), row(1, 12, 20)), 10_000, 2))
                .hasSize(2);
        assertThat(BlockPlan.of(List.of(row(0, 10, 20)), 10_000, 2)).hasSize(1);
    }

    /** A group's rows have one prompt. */
    private static TrainingRow row(int group, int promptLength, int length) {
        int[] prompt = new int[promptLength];
        Arrays.fill(prompt, group);
        boolean[] mask = new boolean[length];
        Arrays.fill(mask, true);
        return new TrainingRow(
                group,
                prompt,
                new int[length],
                mask,
                Map.of(LogProbStream.BEHAVIOR, new float[length]),
                new long[length],
                new double[length]);
    }
}

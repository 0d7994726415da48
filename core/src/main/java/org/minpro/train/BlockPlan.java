package org.minpro.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.minpro.model.TokenBlock;

/**
 * How an update's rows are cut into blocks that go through the model together: as many as a budget of computed tokens
 * (padding included) allows.
 *
 * <p>Two orders are tried, the given one, which keeps groups together so that they share their prompt, and the one by
 * length, which keeps padding small; the one that computes fewer tokens is taken. The plan is a function of the rows and
 * the budget alone.
 */
final class BlockPlan {
    private BlockPlan() {}

    /**
     * A block and the rows it is made of.
     *
     * @param rows indices into the update's rows, in the order of the block's responses
     */
    record Block(TokenBlock tokens, int[] rows) {}

    /**
     * @param tokenBudget most computed tokens of a block, unless a single row has more
     * @param lanes a block holds no more than a lane's fair share, so that every lane has work
     */
    static List<Block> of(List<TrainingRow> rows, int tokenBudget, int lanes) {
        Integer[] given = new Integer[rows.size()];
        Arrays.setAll(given, i -> i);
        Integer[] byLength = given.clone();
        Arrays.sort(
                byLength,
                Comparator.<Integer>comparingInt(i -> rows.get(i).length())
                        .thenComparingLong(i -> rows.get(i).group())
                        .thenComparingInt(i -> i));
        List<Block> first = shared(rows, given, tokenBudget, lanes);
        List<Block> second = shared(rows, byLength, tokenBudget, lanes);
        return cost(second) < cost(first) ? second : first;
    }

    private static long cost(List<Block> blocks) {
        return blocks.stream().mapToLong(block -> block.tokens.computedTokens()).sum();
    }

    private static List<Block> shared(List<TrainingRow> rows, Integer[] order, int tokenBudget, int lanes) {
        long all = cost(cut(rows, order, Integer.MAX_VALUE));
        return cut(rows, order, (int) Math.min(tokenBudget, (all + lanes - 1) / lanes));
    }

    private static List<Block> cut(List<TrainingRow> rows, Integer[] order, int tokenBudget) {
        List<Block> blocks = new ArrayList<>();
        List<Integer> open = new ArrayList<>();
        for (int row : order) {
            open.add(row);
            if (open.size() > 1 && block(rows, open).tokens.computedTokens() > tokenBudget) {
                open.removeLast();
                blocks.add(block(rows, open));
                open.clear();
                open.add(row);
            }
        }
        if (!open.isEmpty()) {
            blocks.add(block(rows, open));
        }
        return blocks;
    }

    private static Block block(List<TrainingRow> rows, List<Integer> chosen) {
        List<int[]> prompts = new ArrayList<>();
        List<int[]> responses = new ArrayList<>();
        int[] promptOf = new int[chosen.size()];
        for (int i = 0; i < promptOf.length; i++) {
            TrainingRow row = rows.get(chosen.get(i));
            promptOf[i] = indexOf(prompts, row.promptIds());
            if (promptOf[i] == prompts.size()) {
                prompts.add(row.promptIds());
            }
            responses.add(row.responseIds());
        }
        return new Block(
                new TokenBlock(prompts, promptOf, responses),
                chosen.stream().mapToInt(Integer::intValue).toArray());
    }

    private static int indexOf(List<int[]> prompts, int[] prompt) {
        for (int i = 0; i < prompts.size(); i++) {
            if (Arrays.equals(prompts.get(i), prompt)) {
                return i;
            }
        }
        return prompts.size();
    }
}

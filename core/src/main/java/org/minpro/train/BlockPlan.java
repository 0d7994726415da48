package org.minpro.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.minpro.model.TokenBlock;

/**
 * How an update's rows are cut into blocks that go through the model together: as few for each lane as a budget of
 * computed tokens (padding included) allows, and nearly equal, because the slowest lane is waited for.
 *
 * <p>Two orders are tried, the given one, which keeps groups together so that they share their prompt, and the one by
 * length, which keeps padding small; the one whose slowest lane computes fewer tokens is taken. The plan is a function of
 * the rows, the budget and the number of lanes alone.
 */
public final class BlockPlan {
    private BlockPlan() {}

    /**
     * A block and the rows it is made of.
     *
     * @param rows indices into the update's rows, in the order of the block's responses
     */
    public record Block(TokenBlock tokens, int[] rows) {}

    /**
     * @param tokenBudget most computed tokens of a block, unless a single row has more
     * @param lanes block b belongs to lane b mod lanes
     */
    public static List<Block> of(List<TrainingRow> rows, int tokenBudget, int lanes) {
        if (rows.isEmpty()) {
            return List.of();
        }
        Integer[] given = new Integer[rows.size()];
        Arrays.setAll(given, i -> i);
        Integer[] byLength = given.clone();
        Arrays.sort(
                byLength,
                Comparator.<Integer>comparingInt(i -> rows.get(i).length())
                        .thenComparingLong(i -> rows.get(i).group())
                        .thenComparingInt(i -> i));
        List<Cut> first = balanced(rows, given, tokenBudget, lanes);
        List<Cut> second = balanced(rows, byLength, tokenBudget, lanes);
        boolean sorted = slowest(second, lanes) < slowest(first, lanes);
        Integer[] order = sorted ? byLength : given;
        return (sorted ? second : first)
                .stream()
                        .map(cut -> block(rows, Arrays.asList(order).subList(cut.from, cut.to)))
                        .toList();
    }

    /** Some rows in a row of an order, and the tokens that a block of them computes. */
    private record Cut(int from, int to, long tokens) {}

    private static long slowest(List<Cut> blocks, int lanes) {
        long[] tokens = new long[lanes];
        for (int b = 0; b < blocks.size(); b++) {
            tokens[b % lanes] += blocks.get(b).tokens;
        }
        return Arrays.stream(tokens).max().orElseThrow();
    }

    /** Cuts with the least budget that gives no lane more blocks than the whole budget does. */
    private static List<Cut> balanced(List<TrainingRow> rows, Integer[] order, int tokenBudget, int lanes) {
        List<Cut> best = cut(rows, order, tokenBudget);
        int most = (best.size() + lanes - 1) / lanes * lanes;
        long enough = tokenBudget;
        long tooLittle = 0;
        while (enough - tooLittle > 1) {
            long middle = (enough + tooLittle) / 2;
            List<Cut> blocks = cut(rows, order, middle);
            if (blocks.size() <= most) {
                best = blocks;
                enough = middle;
            } else {
                tooLittle = middle;
            }
        }
        return best;
    }

    private static List<Cut> cut(List<TrainingRow> rows, Integer[] order, long tokenBudget) {
        List<Cut> blocks = new ArrayList<>();
        Open open = new Open();
        int from = 0;
        for (int at = 0; at < order.length; at++) {
            TrainingRow row = rows.get(order[at]);
            if (at > from && open.with(row) > tokenBudget) {
                blocks.add(new Cut(from, at, open.tokens));
                open = new Open();
                from = at;
            }
            open.add(row);
        }
        blocks.add(new Cut(from, order.length, open.tokens));
        return blocks;
    }

    /** A block that is being filled: {@link TokenBlock#computedTokens} of one more row, without making the block. */
    private static final class Open {
        private final List<int[]> prompts = new ArrayList<>();
        private int rows;
        private int promptWidth;
        private int responseWidth;
        private long tokens;

        long with(TrainingRow row) {
            int different = prompts.size() + (indexOf(prompts, row.promptIds()) == prompts.size() ? 1 : 0);
            return (long) different * Math.max(promptWidth, row.promptIds().length)
                    + (rows + 1L) * (Math.max(responseWidth, row.length()) - 1);
        }

        void add(TrainingRow row) {
            tokens = with(row);
            rows++;
            promptWidth = Math.max(promptWidth, row.promptIds().length);
            responseWidth = Math.max(responseWidth, row.length());
            if (indexOf(prompts, row.promptIds()) == prompts.size()) {
                prompts.add(row.promptIds());
            }
        }
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
        for (int i = prompts.size() - 1; i >= 0; i--) {
            if (Arrays.equals(prompts.get(i), prompt)) {
                return i;
            }
        }
        return prompts.size();
    }
}

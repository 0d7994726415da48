package org.minpro.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.minpro.model.TokenBlock;

/**
 * How an update's rows are cut into blocks that go through the model together: as few for each lane as a budget of
 * computed tokens allows, and nearly equal, because the slowest block is waited for.
 *
 * <p>Rows keep their order, so that a group's rows share their prompt. The plan is a function of the rows, the budget and the
 * number of lanes alone.
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
        return balanced(rows, tokenBudget, lanes).stream()
                .map(cut -> block(rows, cut))
                .toList();
    }

    /** Some rows in a row. */
    private record Cut(int from, int to) {}

    /** Cuts with the least budget that gives no lane more blocks than the whole budget does. */
    private static List<Cut> balanced(List<TrainingRow> rows, int tokenBudget, int lanes) {
        List<Cut> best = cut(rows, tokenBudget);
        int most = (best.size() + lanes - 1) / lanes * lanes;
        long enough = tokenBudget;
        long tooLittle = 0;
        while (enough - tooLittle > 1) {
            long middle = (enough + tooLittle) / 2;
            List<Cut> blocks = cut(rows, middle);
            if (blocks.size() <= most) {
                best = blocks;
                enough = middle;
            } else {
                tooLittle = middle;
            }
        }
        return best;
    }

    private static List<Cut> cut(List<TrainingRow> rows, long tokenBudget) {
        List<Cut> blocks = new ArrayList<>();
        Open open = new Open();
        int from = 0;
        for (int at = 0; at < rows.size(); at++) {
            TrainingRow row = rows.get(at);
            if (at > from && open.with(row) > tokenBudget) {
                blocks.add(new Cut(from, at));
                open = new Open();
                from = at;
            }
            open.add(row);
        }
        blocks.add(new Cut(from, rows.size()));
        return blocks;
    }

    /** A block that is being filled: {@link TokenBlock#computedTokens} of one more row, without making the block. */
    private static final class Open {
        private final List<int[]> prompts = new ArrayList<>();
        private long tokens;

        private boolean isNew(TrainingRow row) {
            return indexOf(prompts, row.promptIds()) == prompts.size();
        }

        long with(TrainingRow row) {
            return tokens + (isNew(row) ? row.promptIds().length : 0) + row.length() - 1;
        }

        void add(TrainingRow row) {
            tokens = with(row);
            if (isNew(row)) {
                prompts.add(row.promptIds());
            }
        }
    }

    private static Block block(List<TrainingRow> rows, Cut cut) {
        List<int[]> prompts = new ArrayList<>();
        List<int[]> responses = new ArrayList<>();
        int[] promptOf = new int[cut.to - cut.from];
        int[] chosen = new int[promptOf.length];
        for (int i = 0; i < promptOf.length; i++) {
            chosen[i] = cut.from + i;
            TrainingRow row = rows.get(chosen[i]);
            promptOf[i] = indexOf(prompts, row.promptIds());
            if (promptOf[i] == prompts.size()) {
                prompts.add(row.promptIds());
            }
            responses.add(row.responseIds());
        }
        return new Block(new TokenBlock(prompts, promptOf, responses), chosen);
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

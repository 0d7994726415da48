package org.minpro.rollout;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.minpro.model.Kernels;
import org.minpro.model.LanguageHead;
import org.minpro.model.ModelSteps;
import org.minpro.model.NonFiniteModelException;
import org.minpro.tensor.DType;
import org.minpro.tensor.Tensor;

/**
 * Draws one token for each row of logits, with uniform numbers of the caller's.
 *
 * <p>A uniform number picks the first token whose cumulative probability, summed in float64, exceeds it; so no token of
 * probability 0, and none that truncation removed, is ever drawn.
 */
final class TokenSampler {
    /** Width of the pieces in which a large vocabulary is summed before one piece is searched. */
    private static final int PIECE = 128;

    private final SamplingParams params;
    private final ModelSteps steps;

    /** Whether tokens are drawn where the logits are, wherever that is; null for a GPU alone. */
    private final @Nullable Boolean there;

    /** @param steps of the model, which may have a drawing of their own */
    TokenSampler(SamplingParams params, ModelSteps steps) {
        this(params, steps, null);
    }

    /** @param there whether tokens are drawn where the logits are; null where that is a GPU */
    TokenSampler(SamplingParams params, ModelSteps steps, @Nullable Boolean there) {
        this.params = params;
        this.steps = steps;
        this.there = there;
    }

    /**
     * @param logits {@code [rows, vocabulary]} float32
     * @param uniforms one number in {@code [0, 1)} for each row
     */
    ModelSteps.Drawn draw(Tensor logits, double[] uniforms) {
        int rows = uniforms.length;
        if (!params.greedy()) {
            ModelSteps.Drawn drawn =
                    steps.draw(logits, params.temperature(), params.topK(), params.topP(), params.minP(), uniforms);
            if (drawn != null) {
                return drawn;
            }
        }
        boolean asIs = params.greedy() || params.temperature() == 1;
        Tensor scores = asIs ? logits : logits.divide(params.temperature());
        Tensor logProbs = scores.logSoftmax(1);
        if (there == null ? Kernels.together(logits.device()) : there) {
            return drawThere(logits, scores, logProbs, uniforms);
        }
        int[] ids = new int[rows];
        float[] kept = new float[rows];
        if (params.greedy()) {
            long[] best = logProbs.argmax(1, false).longs();
            for (int row = 0; row < rows; row++) {
                ids[row] = (int) best[row];
            }
        } else {
            Tensor removed = removed(scores);
            Tensor probabilities =
                    (removed == null ? logProbs : logProbs.maskedFill(removed, Double.NEGATIVE_INFINITY)).exp();
            double[] mass = new double[rows];
            pick(probabilities, uniforms, ids, mass);
            if (removed != null) {
                for (int row = 0; row < rows; row++) {
                    kept[row] = (float) Math.min(0, Math.log(mass[row]));
                }
            }
        }
        long[] index = new long[rows];
        for (int row = 0; row < rows; row++) {
            index[row] = ids[row];
        }
        Tensor drawn = Tensor.of(logits.device(), index);
        Tensor chosen = params.greedy()
                ? steps.logProbs(logits, 1, drawn, LanguageHead.Wanted.NOTHING).logProbs()
                : logProbs.gather(1, drawn.unsqueeze(1));
        return new ModelSteps.Drawn(ids, chosen.floats(), kept);
    }

    /** As {@link #draw}, with one copy of uniform numbers there and one of what was drawn back. */
    private ModelSteps.Drawn drawThere(Tensor logits, Tensor scores, Tensor logProbs, double[] uniforms) {
        int rows = uniforms.length;
        Tensor index; // [rows, 1]
        Tensor chosen; // [rows]
        Tensor mass; // [rows] float64
        Tensor removed = params.greedy() ? null : removed(scores);
        if (params.greedy()) {
            index = logProbs.argmax(1, true);
            chosen = steps.logProbs(logits, 1, index.squeeze(1), LanguageHead.Wanted.NOTHING)
                    .logProbs();
            mass = Tensor.ones(logits.device(), DType.F64, rows);
        } else {
            Tensor probabilities =
                    (removed == null ? logProbs : logProbs.maskedFill(removed, Double.NEGATIVE_INFINITY)).exp();
            PieceSearch found = PieceSearch.of(probabilities, uniforms, PIECE);
            index = found.index();
            chosen = logProbs.gather(1, index).squeeze(1);
            mass = found.mass();
        }
        double[] all = Tensor.concatenate(List.of(index.squeeze(1).to(DType.F64), chosen.to(DType.F64), mass), 0)
                .doubles();
        int[] ids = new int[rows];
        float[] logProb = new float[rows];
        float[] kept = new float[rows];
        for (int row = 0; row < rows; row++) {
            double sum = all[2 * rows + row];
            if (!(sum > 0)) {
                throw NonFiniteModelException.ofProbabilities(logits.size(1));
            }
            ids[row] = (int) all[row];
            logProb[row] = (float) all[rows + row];
            kept[row] = removed == null ? 0 : (float) Math.min(0, Math.log(sum));
        }
        return new ModelSteps.Drawn(ids, logProb, kept);
    }

    private static void pick(Tensor probabilities, double[] uniforms, int[] ids, double[] mass) {
        int rows = uniforms.length;
        int vocabulary = (int) probabilities.size(1);
        int pieces = vocabulary / PIECE;
        if (pieces < 16) {
            float[] all = probabilities.floats();
            for (int row = 0; row < rows; row++) {
                double total = 0;
                for (int i = 0; i < vocabulary; i++) {
                    total += all[row * vocabulary + i];
                }
                mass[row] = total;
                ids[row] = search(all, row * vocabulary, vocabulary, uniforms[row] * total);
            }
            return;
        }
        int inPieces = pieces * PIECE;
        Tensor whole = probabilities.narrow(1, 0, inPieces);
        double[] sums = whole.reshape(rows, pieces, PIECE).sumAsF64(2, false).doubles();
        double[] rests = inPieces == vocabulary
                ? new double[rows]
                : probabilities
                        .narrow(1, inPieces, vocabulary - inPieces)
                        .sumAsF64(1, false)
                        .doubles();
        long[] starts = new long[rows];
        double[] inside = new double[rows];
        for (int row = 0; row < rows; row++) {
            double total = rests[row];
            for (int piece = 0; piece < pieces; piece++) {
                total += sums[row * pieces + piece];
            }
            mass[row] = total;
            double target = uniforms[row] * total;
            double before = 0;
            int piece = 0;
            int last = -1;
            while (piece < pieces && before + sums[row * pieces + piece] <= target) {
                last = sums[row * pieces + piece] > 0 ? piece : last;
                before += sums[row * pieces + piece++];
            }
            if (piece == pieces && rests[row] <= 0) {
                // Rounding of the sums alone can lead here: the last piece with any mass has the answer.
                starts[row] = (long) last * PIECE;
                inside[row] = Double.MAX_VALUE;
            } else {
                starts[row] = (long) piece * PIECE;
                inside[row] = target - before;
            }
        }
        for (int row = 0; row < rows; row++) {
            int width = (int) Math.min(PIECE, vocabulary - starts[row]);
            float[] part =
                    probabilities.select(0, row).narrow(0, starts[row], width).floats();
            ids[row] = (int) starts[row] + search(part, 0, width, inside[row]);
        }
    }

    /** The first entry whose cumulative sum exceeds the target, else the last with any mass. */
    private static int search(float[] probabilities, int offset, int count, double target) {
        double sum = 0;
        int last = -1;
        for (int i = 0; i < count; i++) {
            float probability = probabilities[offset + i];
            if (probability > 0) {
                last = i;
                sum += probability;
                if (sum > target) {
                    return i;
                }
            }
        }
        if (last < 0) {
            throw NonFiniteModelException.ofProbabilities(count);
        }
        return last;
    }

    /** True where top-k, top-p or min-p removes a token; null where nothing is removed. */
    private @Nullable Tensor removed(Tensor scores) {
        if (!params.truncates()) {
            return null;
        }
        Tensor left = scores;
        long vocabulary = scores.size(1);
        if (params.topK() > 0 && params.topK() < vocabulary) {
            Tensor lowest = left.largest(params.topK(), 1).values().narrow(1, params.topK() - 1L, 1);
            left = left.maskedFill(left.less(lowest), Double.NEGATIVE_INFINITY);
        }
        if (params.topP() < 1) {
            Tensor.Ranked ascending = left.sort(1, false);
            Tensor gone = ascending.values().softmax(1).cumulativeSumAsF64(1).lessOrEqual(1 - params.topP());
            gone.narrow(1, vocabulary - 1, 1).zeroInPlace();
            left = left.maskedFill(gone.scatter(1, ascending.indices(), gone), Double.NEGATIVE_INFINITY);
        }
        if (params.minP() > 0) {
            Tensor probabilities = left.softmax(1);
            Tensor least = probabilities.max(1, true).multiply(params.minP());
            left = left.maskedFill(probabilities.less(least), Double.NEGATIVE_INFINITY);
        }
        return left.equal(Double.NEGATIVE_INFINITY).to(DType.BOOL);
    }
}

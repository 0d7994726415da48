package org.minpro.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.minpro.objective.LogProbStream;
import org.minpro.ratio.Ratios;
import org.minpro.tensor.Philox;
import org.minpro.train.TrainingRow;
import org.minpro.train.Update;

/**
 * {@code tokens.jsonl}: the valid tokens of some rows of each update, a line of JSON for each token, in the order of updates,
 * rows and positions. The rows are chosen by seed among those that have a valid token; an update that was skipped has none.
 *
 * <p>Numbers are as float32 prints them. A run that goes on cuts the file to the length that it had at the checkpoint, and
 * writes the same bytes.
 */
public final class TokensFile implements AutoCloseable {
    private final AppendedLines file;
    private final long seed;
    private final int rows;

    private TokensFile(AppendedLines file, long seed, int rows) {
        this.file = file;
        this.seed = seed;
        this.rows = rows;
    }

    /**
     * Opens the file, made if it is not there, to continue after so many bytes.
     *
     * @param seed of the run
     * @param rows of each update, at most
     */
    public static TokensFile open(Path path, long bytes, long seed, int rows) {
        try {
            AppendedLines file = AppendedLines.open(path, "the tokens");
            file.cut(bytes);
            return new TokensFile(file, seed, rows);
        } catch (IOException e) {
            throw new UncheckedIOException("the tokens must be writable, got: " + path, e);
        }
    }

    /**
     * Writes the tokens of an update.
     *
     * @param ordinal of the update in its iteration, from 1
     */
    public void append(long iteration, int ordinal, Update update) {
        if (update.skipped() || rows == 0) {
            return;
        }
        StringBuilder lines = new StringBuilder();
        for (int row : chosen(update.rows(), update.requireStep().version())) {
            write(iteration, ordinal, update.rows().get(row), update.requireStep(), row, lines);
        }
        file.append(lines.toString());
    }

    /** In the order of the update. The version is a part of the choice, so that a row that is used again may be another. */
    private int[] chosen(List<TrainingRow> all, long version) {
        return IntStream.range(0, all.size())
                .filter(i -> hasToken(all.get(i).mask()))
                .boxed()
                .sorted(Comparator.<Integer>comparingLong(i -> Philox.bits(
                                seed,
                                Philox.Purpose.RECORD,
                                all.get(i).group(),
                                all.get(i).sample(),
                                (int) (version & Integer.MAX_VALUE)))
                        .thenComparing(Comparator.naturalOrder()))
                .limit(rows)
                .mapToInt(Integer::intValue)
                .sorted()
                .toArray();
    }

    private static boolean hasToken(boolean[] mask) {
        for (boolean valid : mask) {
            if (valid) {
                return true;
            }
        }
        return false;
    }

    private static void write(
            long iteration, int ordinal, TrainingRow row, Update.Step step, int place, StringBuilder lines) {
        float[] logProbs = step.scored().logProbs()[place];
        float[] behavior = row.logProbs(LogProbStream.BEHAVIOR);
        float[] sampling = row.logProbs().get(LogProbStream.SAMPLING);
        float[] weights = step.scored().weights()[place];
        float[] entropies = step.scored().entropies()[place];
        double minimum = 0;
        boolean first = true;
        for (int t = 0; t < row.length(); t++) {
            if (!row.mask()[t]) {
                continue;
            }
            lines.append("{\"iteration\":").append(iteration);
            lines.append(",\"update\":").append(ordinal);
            lines.append(",\"draw\":").append(row.group());
            lines.append(",\"sample\":").append(row.sample());
            lines.append(",\"position\":").append(t);
            lines.append(",\"version\":").append(row.versions()[t]);
            lines.append(",\"age\":").append(step.version() - row.versions()[t]);
            number(",\"log_mu\":", behavior, t, lines);
            if (sampling != null) {
                number(",\"log_pi_sampling\":", sampling, t, lines);
            }
            number(",\"log_pi\":", logProbs, t, lines);
            lines.append(",\"min_prefix\":").append((float) Math.exp(minimum));
            number(",\"weight\":", weights, t, lines);
            number(",\"entropy\":", entropies, t, lines);
            lines.append("}\n");
            double d = Math.clamp((double) logProbs[t] - behavior[t], -Ratios.LOG_LIMIT, Ratios.LOG_LIMIT);
            minimum = first ? d : Math.min(minimum, d);
            first = false;
        }
    }

    private static void number(String name, float[] values, int at, StringBuilder line) {
        line.append(name);
        if (values.length == 0 || !Float.isFinite(values[at])) {
            line.append("null");
        } else {
            line.append(values[at]);
        }
    }

    /** Bytes that have been written: what a checkpoint keeps. */
    long bytes() {
        return file.bytes();
    }

    /** Makes everything written so far survive a loss of power. */
    void force() {
        file.force();
    }

    @Override
    public void close() {
        file.close();
    }
}

package org.minpro.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.minpro.train.NonFiniteUpdateException;
import org.minpro.train.TrainingRow;

/** The rows of an update that was not finite, kept in the run's folder for whoever looks into it. */
public final class FailedUpdate {
    private static final String FILE = "failed-update.jsonl";

    private FailedUpdate() {}

    /**
     * Writes the rows, and says where they are.
     *
     * @return what to throw to the person who runs it
     */
    public static IllegalStateException saved(NonFiniteUpdateException failure, Path folder) {
        Path file = folder.resolve(FILE);
        List<String> lines = new ArrayList<>();
        for (TrainingRow row : failure.rows()) {
            Map<String, Object> values = new LinkedHashMap<>();
            values.put("draw", row.group());
            values.put("prompt_ids", row.promptIds());
            values.put("response_ids", row.responseIds());
            row.logProbs().forEach((stream, logProbs) -> values.put(stream + "_log_probs", logProbs));
            values.put("advantages", row.advantages());
            lines.add(Checkpoints.state(values).toString());
        }
        try {
            Files.write(file, lines);
        } catch (IOException e) {
            throw new UncheckedIOException("the run folder must be writable, got: " + folder, e);
        }
        return new IllegalStateException(
                failure.getMessage() + "; the update's rows are in " + file
                        + "; a lower learning-rate or gradient-clip-norm may help",
                failure);
    }
}

package org.minpro.app;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** One line of JSON results; numbers are written so that they read back bit for bit. */
final class JsonLine {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    private final Map<String, @Nullable Object> fields = new LinkedHashMap<>();

    /** Adds a field: text, number, boolean, array, list, map or null. */
    JsonLine with(String name, @Nullable Object value) {
        fields.put(name, value);
        return this;
    }

    /**
     * Adds {@code log_probs}: a null for each of the first tokens, which nothing comes before, then float32 numbers.
     *
     * @throws IllegalStateException if one is not finite: JSON has no such number, and it is no result
     */
    JsonLine withLogProbs(int nulls, double[] logProbs) {
        List<@Nullable Float> list = new ArrayList<>(Collections.nCopies(nulls, null));
        for (double logProb : logProbs) {
            if (!Double.isFinite(logProb)) {
                throw new IllegalStateException(
                        "log-probabilities must be finite, got: " + logProb + "; are the model's weights finite?");
            }
            // The shortest decimal that reads back to the float32.
            list.add((float) logProb);
        }
        return with("log_probs", list);
    }

    @Override
    public String toString() {
        return MAPPER.writeValueAsString(fields);
    }
}

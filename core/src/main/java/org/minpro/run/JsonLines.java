package org.minpro.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads files that a run appends a line of JSON to. */
public final class JsonLines {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private JsonLines() {}

    /**
     * The lines that are whole, in their order; none where there is no file. A line that a crash cut short, or that is being
     * written, is left out.
     */
    public static List<JsonNode> of(Path file) {
        List<JsonNode> lines = new ArrayList<>();
        if (!Files.exists(file)) {
            return lines;
        }
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be read: " + e.getMessage(), e);
        }
        for (String line : new String(bytes, StandardCharsets.UTF_8).split("\n")) {
            try {
                if (!line.isBlank()) {
                    lines.add(JSON.readTree(line));
                }
            } catch (JacksonException e) {
                // Cut short.
            }
        }
        return lines;
    }
}

package org.minpro.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import tools.jackson.databind.json.JsonMapper;

/** {@code notices.jsonl}: what was said to a person while the run went on, so that it can be read later. */
final class NoticesFile {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Path path;

    NoticesFile(Path path) {
        this.path = path;
    }

    /** @param iteration that is under way; from any thread */
    synchronized void append(long iteration, String line) {
        String json = JSON.writeValueAsString(JSON.createObjectNode()
                .put("time", System.currentTimeMillis() / 1000.0)
                .put("iteration", iteration)
                .put("line", line));
        try {
            Files.writeString(
                    path, json + "\n", StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException("the notices must be writable, got: " + path, e);
        }
    }
}

package org.minpro.run;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.minpro.data.DataException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The data files of a run as they were when it began: path, bytes and SHA-256 of each, in {@code data.json} of the run's
 * folder. A run that is continued on other prompts or references would be two runs in one.
 */
final class DataFiles {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private DataFiles() {}

    /**
     * Writes the file where the run has none; otherwise requires that the files are those it names.
     *
     * @throws DataException names each file that changed and what to do
     */
    static void keepOrRequire(RunFolder folder, List<Path> files) {
        if (files.isEmpty()) {
            return;
        }
        Path kept = folder.data();
        ArrayNode now = JSON.createArrayNode();
        for (Path file : files) {
            ObjectNode entry = now.addObject();
            entry.put("file", file.toString());
            if (Files.isRegularFile(file)) {
                entry.put("bytes", file.toFile().length());
                entry.put("sha256", sha256(file));
            } else {
                // What came out of it is gone: it cannot be read again.
                entry.put("pipe", true);
            }
        }
        try {
            if (!Files.exists(kept)) {
                Checkpoints.write(kept, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(now));
                return;
            }
            requireSame(folder, JSON.readTree(Files.readAllBytes(kept)), now);
        } catch (IOException e) {
            throw new UncheckedIOException("the run folder must be writable, got: " + folder.path(), e);
        } catch (JacksonException e) {
            throw new DataException(kept + " must be the JSON that the run wrote, got: " + e.getOriginalMessage(), e);
        }
    }

    /** The SHA-256 of each file, a line each; empty without files. */
    static String sha256(List<Path> files) {
        return files.stream()
                .filter(Files::isRegularFile)
                .map(DataFiles::sha256)
                .collect(Collectors.joining("\n"));
    }

    private static void requireSame(RunFolder folder, JsonNode before, JsonNode now) {
        List<String> changed = new ArrayList<>();
        for (int i = 0; i < Math.max(before.size(), now.size()); i++) {
            JsonNode was = before.path(i);
            JsonNode is = now.path(i);
            if (!was.path("sha256").equals(is.path("sha256"))) {
                String name = (is.isMissingNode() ? was : is).path("file").asString("");
                changed.add(name + " (" + size(was) + " then, " + size(is) + " now)");
            }
        }
        if (!changed.isEmpty()) {
            throw new DataException("a run must be continued on the data that it began with, got other contents of "
                    + String.join(", ", changed) + ". Restore " + (changed.size() == 1 ? "the file" : "the files")
                    + ", or start a new run from this one's model; " + folder.data()
                    + " has the SHA-256 of what was read");
        }
    }

    private static String size(JsonNode entry) {
        return entry.isMissingNode()
                ? "absent"
                : entry.path("bytes").longValue() + " bytes, SHA-256 "
                        + entry.path("sha256").asString("").substring(0, 12);
    }

    private static String sha256(Path file) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] buffer = new byte[1 << 16];
            try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
                while (in.read(buffer) >= 0) {
                    // The stream feeds the digest.
                }
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (IOException e) {
            throw new DataException(file + " cannot be read: " + e.getMessage(), e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}

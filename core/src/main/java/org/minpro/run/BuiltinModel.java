package org.minpro.run;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.minpro.tensor.Engine;

/** The small model inside the jar, unpacked once into the cache folder, under a name made of its bytes. */
final class BuiltinModel {
    private static final String RESOURCES = "/org/minpro/builtin/";
    private static final List<String> FILES = List.of(
            "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json");

    private BuiltinModel() {}

    static Path folder() {
        try {
            Map<String, byte[]> files = new LinkedHashMap<>();
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (String name : FILES) {
                try (InputStream in = BuiltinModel.class.getResourceAsStream(RESOURCES + name)) {
                    if (in == null) {
                        throw new IllegalStateException("the jar must hold the built-in model, got: no " + name);
                    }
                    byte[] bytes = in.readAllBytes();
                    digest.update(bytes);
                    files.put(name, bytes);
                }
            }
            Path folder = Engine.cacheFolder()
                    .resolve("models")
                    .resolve("builtin-" + HexFormat.of().formatHex(digest.digest(), 0, 8));
            if (!Files.isDirectory(folder)) {
                unpack(files, folder);
            }
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "the cache folder must be writable, got: " + Engine.cacheFolder()
                            + "; name another with the environment variable MINPRO_CACHE",
                    e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Another process may do the same at the same time: the first one to rename wins, with the same bytes. */
    private static void unpack(Map<String, byte[]> files, Path folder) throws IOException {
        Files.createDirectories(folder.getParent());
        Path part = Files.createTempDirectory(folder.getParent(), "part");
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            Files.write(part.resolve(file.getKey()), file.getValue());
        }
        try {
            Files.move(part, folder, StandardCopyOption.ATOMIC_MOVE);
        } catch (FileAlreadyExistsException | AtomicMoveNotSupportedException e) {
            if (!Files.isDirectory(folder)) {
                throw e;
            }
        } catch (IOException e) {
            if (!Files.isDirectory(folder)) {
                throw e;
            }
        }
    }
}

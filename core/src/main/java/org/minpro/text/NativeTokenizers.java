package org.minpro.text;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.minpro.tensor.Engine;

/**
 * The native tokenizer library of this process: unpacked into our cache folder by one process at a time, without telemetry
 * and without a network.
 *
 * <p>The library reads its system properties when its first class loads, so they are set before that, unless the user set
 * them: {@code ENGINE_CACHE_DIR} (environment or system property) moves the folder.
 */
final class NativeTokenizers {
    private static boolean loaded;

    private NativeTokenizers() {}

    /**
     * Loads the library, once; later calls return at once.
     *
     * @throws TextException if it cannot be unpacked or does not run on this machine
     */
    static synchronized void load() {
        if (loaded) {
            return;
        }
        Path folder = Engine.cacheFolder();
        setDefault("ENGINE_CACHE_DIR", folder.toString());
        setDefault("OPT_OUT_TRACKING", "true");
        setDefault("ai.djl.offline", "true");
        try {
            Files.createDirectories(folder);
            // Two processes that unpack at once could load a file that is half written.
            try (FileChannel channel = FileChannel.open(
                            folder.resolve("tokenizers.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    FileLock lock = channel.lock()) {
                LibUtils.checkStatus();
                lock.release();
            }
        } catch (IOException e) {
            throw new TextException(
                    "the cache folder must be writable, got: " + folder
                            + "; name another with the environment variable MINPRO_CACHE",
                    e);
        } catch (LinkageError | RuntimeException e) {
            throw new TextException(
                    "the tokenizer library must run on this machine (x86-64 or arm64 Linux with glibc, arm64 macOS, x86-64"
                            + " Windows), got: " + rootCause(e),
                    e);
        }
        loaded = true;
    }

    private static Throwable rootCause(Throwable error) {
        Throwable cause = error;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }

    private static void setDefault(String name, String value) {
        if (System.getProperty(name) == null) {
            System.setProperty(name, value);
        }
    }
}

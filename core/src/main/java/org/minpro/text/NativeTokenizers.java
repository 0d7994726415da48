package org.minpro.text;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Where the native tokenizer library is unpacked, and that it stays silent: no telemetry, no network.
 *
 * <p>The library reads these system properties once, when its first class loads, so they are set before that. The cache
 * folder is, first found wins: {@code ENGINE_CACHE_DIR} (the library's own, as environment variable or system property),
 * the system property {@code minpro.cache}, the environment variable {@code MINPRO_CACHE}, and the user's cache folder on
 * this platform.
 */
final class NativeTokenizers {
    private NativeTokenizers() {}

    /** Sets what is not set already; harmless to call often. */
    static void prepare() {
        setIfAbsent("ENGINE_CACHE_DIR", cacheFolder().toString());
        setIfAbsent("OPT_OUT_TRACKING", "true");
        setIfAbsent("ai.djl.offline", "true");
    }

    private static void setIfAbsent(String name, String value) {
        if (System.getProperty(name) == null) {
            System.setProperty(name, value);
        }
    }

    private static Path cacheFolder() {
        String given =
                System.getProperty("minpro.cache", Objects.requireNonNullElse(System.getenv("MINPRO_CACHE"), ""));
        if (!given.isBlank()) {
            return Path.of(given);
        }
        String home = System.getProperty("user.home");
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        if (system.contains("win")) {
            return folder(System.getenv("LOCALAPPDATA"), Path.of(home, "AppData", "Local"))
                    .resolve("minpro");
        }
        if (system.contains("mac")) {
            return Path.of(home, "Library", "Caches", "minpro");
        }
        return folder(System.getenv("XDG_CACHE_HOME"), Path.of(home, ".cache")).resolve("minpro");
    }

    private static Path folder(@Nullable String given, Path otherwise) {
        return given == null || given.isBlank() ? otherwise : Path.of(given);
    }
}

package org.minpro.run;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.Properties;

/**
 * Which MinPRO this is.
 *
 * @param number of the version
 * @param commit of the sources, with {@code -dirty} where they were changed after it; {@code unknown} where they were not
 *     built in a git checkout
 */
public record BuildVersion(String number, String commit) {
    private static final BuildVersion PRESENT = read();

    /** The version that runs. */
    public static BuildVersion present() {
        return PRESENT;
    }

    private static BuildVersion read() {
        Properties build = new Properties();
        try (InputStream in = Objects.requireNonNull(
                BuildVersion.class.getResourceAsStream("build.properties"), "build.properties")) {
            build.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new BuildVersion(build.getProperty("version"), build.getProperty("commit"));
    }

    /** Such as {@code 1.2.0, commit 8fe9fc5a1b2c}. */
    @Override
    public String toString() {
        return number + ", commit " + commit;
    }
}

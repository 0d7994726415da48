package org.minpro.spark;

import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The jars of {@code spark-submit --jars} and the application's own, where they lie on this machine: Spark fetches them once
 * for an executor and adds them to a class loader of its own.
 */
final class ShippedJars {
    /** The {@code minpro} command. */
    static final String COMMAND = "org.minpro.app.Main";

    private ShippedJars() {}

    /**
     * The jars in this JVM.
     *
     * @throws IllegalArgumentException where MinPRO's own are not among them
     */
    static List<Path> here() {
        return in(Thread.currentThread().getContextClassLoader());
    }

    static List<Path> in(@Nullable ClassLoader loader) {
        List<Path> jars = new ArrayList<>();
        for (ClassLoader each = loader; each != null; each = each.getParent()) {
            if (each instanceof URLClassLoader shipped) {
                for (URL url : shipped.getURLs()) {
                    if (url.getProtocol().equals("file")) {
                        jars.add(path(url));
                    }
                }
            }
        }
        if (loader == null || jars.isEmpty() || loader.getResource(COMMAND.replace('.', '/') + ".class") == null) {
            throw new IllegalArgumentException("spark-submit must be given the jars of MinPRO with --jars, got: " + jars
                    + "; docs/scale.md has the line");
        }
        return jars;
    }

    private static Path path(URL url) {
        try {
            return Path.of(url.toURI());
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("a jar must have an address that is a path, got: " + url, e);
        }
    }
}

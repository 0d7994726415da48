package org.minpro.app;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where a user's own objectives, advantages and rewards are found. */
final class ClassPathOption {
    @Option(
            names = "--class-path",
            paramLabel = "JARS",
            description = "Jars or folders with classes of your own, which are then named in place of a built-in name.")
    private @Nullable String classPath;

    /** The option as it was given, nothing if it was not. */
    List<String> given() {
        return classPath == null ? List.of() : List.of("--class-path", classPath);
    }

    /** Finds the user's classes, and ours. */
    ClassLoader loader() {
        ClassLoader ours = ClassPathOption.class.getClassLoader();
        if (classPath == null) {
            return ours;
        }
        List<URL> urls = new ArrayList<>();
        for (String part : classPath.split(Pattern.quote(File.pathSeparator))) {
            Path path = Path.of(part);
            if (!Files.exists(path)) {
                throw new IllegalArgumentException(
                        "--class-path must name jars or folders, got: " + part + ", which does not exist");
            }
            try {
                urls.add(path.toUri().toURL());
            } catch (MalformedURLException e) {
                throw new IllegalArgumentException("--class-path must name jars or folders, got: " + part, e);
            }
        }
        return new URLClassLoader(urls.toArray(URL[]::new), ours);
    }
}

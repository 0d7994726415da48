package org.minpro.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.ToIntBiFunction;

/**
 * {@code minpro compare} on a cluster: {@code spark-submit --class org.minpro.spark.CompareOnSpark ... --config study.yaml}.
 *
 * <p>Each run of the study is an ordinary job of one task, so many at once as the study's {@code processes}. The driver keeps
 * the tables and writes the report. The study's folder lies on a disk that all machines see.
 */
public final class CompareOnSpark {
    private static final String COMPARISON = "org.minpro.app.ComparisonElsewhere";

    private CompareOnSpark() {}

    /** @param arguments of {@code minpro compare} */
    public static void main(String[] arguments) throws ReflectiveOperationException {
        int code;
        try (CommandJobs jobs = CommandJobs.open("minpro compare")) {
            ToIntBiFunction<Path, Consumer<String>> runs = (folder, progress) -> jobs.run(
                    String.valueOf(folder.getFileName()),
                    COMPARISON,
                    List.of(folder.toString()),
                    folder.resolve("progress.txt"),
                    folder.resolve("log.txt"),
                    progress);
            code = compare(runs, arguments);
        } catch (IllegalArgumentException e) {
            System.err.println("minpro: " + e.getMessage());
            code = 2;
        }
        if (code != 0) {
            System.exit(code);
        }
    }

    /** Apart from Spark's libraries, which are in part other versions of the same. */
    private static int compare(ToIntBiFunction<Path, Consumer<String>> runs, String[] arguments)
            throws ReflectiveOperationException {
        URL[] jars = ShippedJars.here().stream().map(CompareOnSpark::url).toArray(URL[]::new);
        try (URLClassLoader minpro = new URLClassLoader(jars, ClassLoader.getPlatformClassLoader())) {
            return (int) minpro.loadClass(COMPARISON)
                    .getMethod("run", ToIntBiFunction.class, String[].class)
                    .invoke(null, runs, arguments);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof RuntimeException thrown) {
                throw thrown;
            }
            throw e;
        } catch (IOException e) {
            throw new UncheckedIOException("the shipped jars must be readable, got: " + e.getMessage(), e);
        }
    }

    private static URL url(Path jar) {
        try {
            return jar.toUri().toURL();
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException("a jar must have an address, got: " + jar, e);
        }
    }
}

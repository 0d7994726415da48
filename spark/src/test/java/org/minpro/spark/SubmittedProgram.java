package org.minpro.spark;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.apache.spark.launcher.JavaModuleOptions;

/**
 * {@code spark-submit} on a cluster of two executors of this machine, {@code local-cluster[2,1,2048]}, each a JVM of its own, with
 * Spark from Maven's jars. What is shipped is what a user ships: the command's jars and the module's.
 *
 * @param folder for the cluster's files
 * @param sparkHome stands in for an installed Spark
 * @param jars to be shipped
 * @param application the module's jar
 */
record SubmittedProgram(Path folder, Path sparkHome, List<Path> jars, Path application) {
    /** The vector kernels are fast once they are compiled, which takes longer than these runs. */
    private static final List<String> SHORT_LIVED =
            List.of("-Xmx256m", "-XX:TieredStopAtLevel=1", "-Dminpro.kernels=libtorch");

    private static final Path COMMAND = Path.of("..", "app", "target", "minpro.jar");

    static SubmittedProgram in(Path folder) throws IOException {
        if (Files.notExists(COMMAND)) {
            throw new IllegalStateException(
                    "the command's jar must be built before (./test, or mvn package), got: none in "
                            + COMMAND.toAbsolutePath());
        }
        List<Path> jars = new ArrayList<>(List.of(COMMAND.toAbsolutePath().normalize()));
        for (String jar :
                Files.readString(COMMAND.resolveSibling("classpath")).strip().split(File.pathSeparator)) {
            jars.add(Path.of(jar));
        }
        Path application = folder.resolve("minpro-spark.jar");
        int code = ToolProvider.findFirst("jar")
                .orElseThrow()
                .run(System.out, System.err, "cf", application.toString(), "-C", "target/classes", ".");
        if (code != 0) {
            throw new IllegalStateException("jar must succeed, got: exit code " + code);
        }
        // Spark's workers look for the jars of an installation; the executors are told of Maven's.
        Path sparkHome = Files.createDirectories(folder.resolve("spark"));
        Files.createFile(sparkHome.resolve("RELEASE"));
        Files.createDirectories(sparkHome.resolve("jars"));
        return new SubmittedProgram(folder, sparkHome, jars, application);
    }

    /** Spark's jars, and the tests'. */
    private static List<String> classPath() {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> entry.endsWith(".jar") && !entry.contains("minpro"))
                .toList();
    }

    private static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    /** A program of the module; its streams go to {@code NAME.out} and {@code NAME.err}. */
    Process submit(String name, Class<?> program, List<String> settings, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(java()));
        command.addAll(List.of(JavaModuleOptions.defaultModuleOptionArray()));
        command.addAll(List.of("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
        command.addAll(
                List.of("-cp", String.join(File.pathSeparator, classPath()), "org.apache.spark.deploy.SparkSubmit"));
        command.addAll(List.of("--master", "local-cluster[2,1,2048]", "--class", program.getName()));
        command.addAll(List.of(
                "--jars", String.join(",", jars.stream().map(Path::toString).toList())));
        for (String setting : Stream.concat(
                        Stream.of(
                                "spark.ui.enabled=false",
                                "spark.executor.extraClassPath=" + String.join(File.pathSeparator, classPath()),
                                "spark.executor.extraJavaOptions=-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
                                "spark.minpro.javaOptions=" + String.join(" ", SHORT_LIVED)),
                        settings.stream())
                .toList()) {
            command.addAll(List.of("--conf", setting));
        }
        command.add(application.toString());
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("SPARK_HOME", sparkHome.toString());
        builder.environment().put("SPARK_SCALA_VERSION", "2.13");
        builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
        builder.environment().put("SPARK_LOCAL_DIRS", folder.resolve("local").toString());
        return builder.redirectOutput(out(name).toFile())
                .redirectError(err(name).toFile())
                .start();
    }

    /** The command on this machine, as {@code ./minpro} starts it. */
    Process minpro(String name, String... arguments) throws IOException {
        List<String> command =
                new ArrayList<>(List.of(java(), "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC"));
        command.addAll(SHORT_LIVED);
        command.addAll(List.of(
                "-Duser.home=" + System.getProperty("user.home"),
                "-cp",
                String.join(
                        File.pathSeparator, jars.stream().map(Path::toString).toList()),
                ShippedJars.COMMAND));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(MinproProcess.ENVIRONMENT);
        return builder.redirectOutput(out(name).toFile())
                .redirectError(err(name).toFile())
                .start();
    }

    Path out(String name) {
        return folder.resolve(name + ".out");
    }

    Path err(String name) {
        return folder.resolve(name + ".err");
    }
}

package org.minpro.spark;

import java.io.File;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.resource.ResourceInformation;
import org.jspecify.annotations.Nullable;
import scala.collection.Iterator;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;

/** One rank of a run, as a task of a barrier stage: it meets the others, and does its part in a process of its own. */
final class RankTask extends AbstractFunction1<Iterator<Integer>, Iterator<String>> implements Serializable {
    private static final long serialVersionUID = 1;
    private static final String INTERFACE = "GLOO_SOCKET_IFNAME";

    /** A path is not serializable. */
    private final String run;

    private final long generation;
    private final List<String> javaOptions;
    private final List<String> arguments;

    /**
     * @param run the run's folder, on a disk that all machines see
     * @param generation number of this start of the run
     * @param javaOptions of the rank's JVM
     * @param arguments of {@code minpro train} beside {@code --resume}
     */
    RankTask(Path run, long generation, List<String> javaOptions, List<String> arguments) {
        this.run = run.toString();
        this.generation = generation;
        this.javaOptions = new ArrayList<>(javaOptions);
        this.arguments = new ArrayList<>(arguments);
    }

    /** Where a rank's process says what it says. */
    static Path log(Path run, int rank) {
        return run.resolve("ranks").resolve(rank + ".log");
    }

    @Override
    public Iterator<String> apply(Iterator<Integer> nothing) {
        BarrierTaskContext task = BarrierTaskContext.get();
        int rank = task.partitionId();
        String host = host(task.getTaskInfos()[rank].address());
        if (!Files.isRegularFile(Path.of(run, "recipe.yaml"))) {
            throw new IllegalStateException(
                    "the folder of runs must be on a disk that the driver and all executors see, got: " + run
                            + ", which is not there on " + host);
        }
        InetAddress address = address(host);
        List<String> lines = List.of(
                task.allGather(new Rendezvous(host, address.getHostAddress(), freePort(address), generation).line()));
        String given = System.getenv(INTERFACE);
        ProcessBuilder builder = process(
                task,
                Rendezvous.environment(lines, rank, given != null ? given : networkInterface(address)),
                task.cpus() * Rendezvous.localRanks(lines, rank));
        Path log = log(Path.of(run), rank);
        int code = MinproProcess.run(
                builder.redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.appendTo(new File(log.toString()))),
                task);
        if (code != 0) {
            // Thrown, so that Spark ends the others at once.
            throw new IllegalStateException(
                    "rank " + rank + " on " + host + " must do its part of the run, got: exit code " + code
                            + ", after saying: " + MinproProcess.lastLine(log) + " (" + log + ")");
        }
        return CollectionConverters.asScala(List.of(host).iterator());
    }

    /** @param cores of all ranks on this machine, who share them */
    private ProcessBuilder process(BarrierTaskContext task, Map<String, String> environment, int cores) {
        List<String> options = new ArrayList<>();
        options.add("-XX:ActiveProcessorCount=" + cores);
        options.addAll(javaOptions);
        List<String> command = new ArrayList<>(List.of("train", "--resume", run));
        command.addAll(arguments);
        ProcessBuilder builder = MinproProcess.of(options, ShippedJars.COMMAND, command);
        builder.environment().remove(INTERFACE);
        builder.environment().putAll(environment);
        ResourceInformation devices = task.resourcesJMap().get("gpu");
        if (devices != null) {
            builder.environment().put("CUDA_VISIBLE_DEVICES", String.join(",", devices.addresses()));
        }
        return builder;
    }

    /** The host of an executor's {@code host:port}. */
    static String host(String address) {
        int colon = address.lastIndexOf(':');
        return (colon < 0 ? address : address.substring(0, colon)).replaceAll("[\\[\\]]", "");
    }

    private static InetAddress address(String host) {
        try {
            return InetAddress.getByName(host);
        } catch (IOException e) {
            throw new UncheckedIOException("an executor's host must have an address, got: " + host, e);
        }
    }

    /** The name of the interface that has an address of this machine; null for the loopback one, and where none has it. */
    private static @Nullable String networkInterface(InetAddress address) {
        try {
            NetworkInterface found = NetworkInterface.getByInetAddress(address);
            return found == null || found.isLoopback() ? null : found.getName();
        } catch (IOException e) {
            throw new UncheckedIOException("the network interfaces must be readable, got: " + e.getMessage(), e);
        }
    }

    private static int freePort(InetAddress address) {
        try (ServerSocket probe = new ServerSocket(0, 1, address)) {
            return probe.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "an executor's host must have a free port, got: " + address
                            + "; SPARK_LOCAL_IP names another address",
                    e);
        }
    }
}

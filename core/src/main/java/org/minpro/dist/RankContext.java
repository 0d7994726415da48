package org.minpro.dist;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Which of a run's processes this one is and where they meet: what torchrun, a Slurm script or a Kubernetes job sets in the
 * environment.
 *
 * @param rank of this process, {@code 0 .. size - 1}; rank 0 owns the run's folder
 * @param size processes of the run
 * @param localSize processes of the run on this machine, who share its cores
 * @param generation number of this start of the run: processes of another generation cannot join
 * @param meeting where they meet
 * @param networkInterface name of the network interface that the tensors travel by, or null for the loopback one
 */
public record RankContext(
        int rank,
        int size,
        int localSize,
        long generation,
        Meeting meeting,
        @Nullable String networkInterface) {
    /** Names a file where the processes of one machine meet; set by {@code minpro train --processes}. */
    public static final String MEETING_FILE = "MINPRO_MEETING_FILE";

    /** Where the processes meet. */
    public sealed interface Meeting {}

    /** A file on a disk that they share. */
    public record MeetingFile(Path path) implements Meeting {}

    /** A port at which rank 0 listens, on the address of {@code host} alone. */
    public record MeetingPort(String host, int port) implements Meeting {}

    public RankContext {
        if (size < 1 || rank < 0 || rank >= size) {
            throw new IllegalArgumentException(
                    "RANK must be in [0, WORLD_SIZE), got: RANK " + rank + ", WORLD_SIZE " + size);
        }
        if (localSize < 1 || localSize > size) {
            throw new IllegalArgumentException(
                    "LOCAL_WORLD_SIZE must be in [1, WORLD_SIZE], got: " + localSize + ", WORLD_SIZE " + size);
        }
    }

    /**
     * The context that an environment describes: {@code RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT}, with
     * {@code LOCAL_WORLD_SIZE}, {@code RUN_GENERATION} (or {@code TORCHELASTIC_RESTART_COUNT}) and
     * {@code GLOO_SOCKET_IFNAME} where they are set.
     *
     * @return empty where {@code WORLD_SIZE} is not set or 1
     * @throws IllegalArgumentException where a variable is missing or no number
     */
    public static Optional<RankContext> of(Map<String, String> environment) {
        String size = environment.get("WORLD_SIZE");
        if (size == null || size.isBlank() || size.strip().equals("1")) {
            return Optional.empty();
        }
        int processes = integer(environment, "WORLD_SIZE", null);
        String file = environment.get(MEETING_FILE);
        String networkInterface = environment.get("GLOO_SOCKET_IFNAME");
        boolean named = networkInterface != null && !networkInterface.isBlank();
        Meeting meeting;
        if (file != null) {
            meeting = new MeetingFile(Path.of(file));
        } else {
            String host = required(environment, "MASTER_ADDR");
            if (!named && !isLoopback(host)) {
                throw new IllegalArgumentException(
                        "GLOO_SOCKET_IFNAME must name the network interface that the processes"
                                + " reach each other by (such as eth0; 'ip address' lists them), got: none, with MASTER_ADDR "
                                + host);
            }
            meeting = new MeetingPort(host, integer(environment, "MASTER_PORT", null));
        }
        String restarts = environment.getOrDefault("TORCHELASTIC_RESTART_COUNT", "0");
        return Optional.of(new RankContext(
                integer(environment, "RANK", null),
                processes,
                integer(environment, "LOCAL_WORLD_SIZE", file != null ? size : "1"),
                integer(environment, "RUN_GENERATION", restarts),
                meeting,
                named ? networkInterface : null));
    }

    private static boolean isLoopback(String host) {
        return host.equals("localhost") || host.startsWith("127.") || host.equals("::1");
    }

    private static String required(Map<String, String> environment, String name) {
        String value = environment.get(name);
        if (value == null || value.isBlank()) {
            throw new IllegalArgumentException("RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT must be set together, as"
                    + " torchrun sets them, got: WORLD_SIZE " + environment.get("WORLD_SIZE") + " without " + name);
        }
        return value.strip();
    }

    private static int integer(Map<String, String> environment, String name, @Nullable String otherwise) {
        String value = environment.get(name) == null && otherwise != null ? otherwise : required(environment, name);
        try {
            return Integer.parseInt(value.strip());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "the environment's " + name + " must be a whole number, got: " + value, e);
        }
    }
}

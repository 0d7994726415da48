package org.minpro.spark;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What each rank tells all the others before any of their processes starts, in one line: where it is, and of which generation.
 *
 * @param host that Spark knows its executor by
 * @param address of that host, as numbers
 * @param port that is free there; of rank 0 the one where the ranks meet
 * @param generation number of this start of the run
 */
record Rendezvous(String host, String address, int port, long generation) {
    private static final String LOOPBACK = "127.0.0.1";

    String line() {
        return host + "\t" + address + "\t" + port + "\t" + generation;
    }

    static Rendezvous of(String line) {
        String[] parts = line.split("\t", -1);
        return new Rendezvous(parts[0], parts[1], Integer.parseInt(parts[2]), Long.parseLong(parts[3]));
    }

    /**
     * The environment of a rank's process, as torchrun sets it. Ranks that are all on one machine meet on its loopback interface.
     *
     * @param lines of all ranks, by rank
     * @param networkInterface the name of the one that has this rank's address; null for the loopback one
     * @throws IllegalStateException where one is of another generation
     */
    static Map<String, String> environment(List<String> lines, int rank, @Nullable String networkInterface) {
        List<Rendezvous> all = lines.stream().map(Rendezvous::of).toList();
        Rendezvous own = all.get(rank);
        for (int other = 0; other < all.size(); other++) {
            if (all.get(other).generation != own.generation) {
                throw new IllegalStateException("rank " + other + " on " + all.get(other).host
                        + " must be of generation " + own.generation + " as rank " + rank + " is, got: "
                        + all.get(other).generation);
            }
        }
        boolean alone = localRanks(lines, rank) == all.size();
        Map<String, String> environment = new LinkedHashMap<>();
        environment.put("RANK", String.valueOf(rank));
        environment.put("WORLD_SIZE", String.valueOf(all.size()));
        environment.put("LOCAL_RANK", String.valueOf(localRanks(lines.subList(0, rank + 1), rank) - 1));
        environment.put("LOCAL_WORLD_SIZE", String.valueOf(localRanks(lines, rank)));
        environment.put("MASTER_ADDR", alone ? LOOPBACK : all.getFirst().address);
        environment.put("MASTER_PORT", String.valueOf(all.getFirst().port));
        environment.put("RUN_GENERATION", String.valueOf(own.generation));
        if (!alone && networkInterface != null) {
            environment.put("GLOO_SOCKET_IFNAME", networkInterface);
        }
        return environment;
    }

    /** How many of some ranks are on the machine of one of them. */
    static int localRanks(List<String> lines, int rank) {
        String host = of(lines.get(rank)).host;
        return (int) lines.stream().filter(line -> of(line).host.equals(host)).count();
    }
}

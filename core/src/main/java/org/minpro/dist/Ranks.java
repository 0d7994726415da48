package org.minpro.dist;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.Engine;

/**
 * The processes of one run: this one's place among them, and what they do together.
 *
 * <p>Learning and sampling have a group each, because an asynchronous run does both at once.
 */
public final class Ranks implements AutoCloseable {
    private static final long AWAIT_MILLISECONDS = 300;

    private final Collectives learning;
    private final Collectives sampling;
    private final List<String> hosts;
    private final int localSize;
    private final @Nullable Meeting meeting;
    private final @Nullable Liveness liveness;

    private Ranks(
            Collectives learning,
            Collectives sampling,
            List<String> hosts,
            int localSize,
            @Nullable Meeting meeting,
            @Nullable Liveness liveness) {
        this.learning = learning;
        this.sampling = sampling;
        this.hosts = hosts;
        this.localSize = localSize;
        this.meeting = meeting;
        this.liveness = liveness;
    }

    /** A run of one process: nothing is exchanged, and nothing costs anything. */
    public static Ranks alone() {
        Collectives alone = Collectives.alone();
        return new Ranks(alone, alone, List.of(host()), 1, null, null);
    }

    /**
     * Meets the other ranks.
     *
     * @param limit for all of them to come, and later for each to come to what they do together
     * @throws RankLostException where one does not come
     */
    public static Ranks join(RankContext context, Duration limit) {
        return join(context, limit, Optional::empty);
    }

    /**
     * The same for who can see more of the others than that they have not come.
     *
     * @param lost says which of them will not come, if it knows
     */
    public static Ranks join(RankContext context, Duration limit, Supplier<Optional<String>> lost) {
        Engine.start();
        Meeting meeting = Meeting.open(context, limit.toMillis());
        int rank = context.rank();
        if (meeting.count("taken-" + rank) > 1) {
            throw new RankLostException("a rank must be one process, got: a second one that is rank " + rank
                    + " of generation "
                    + context.generation() + ", on " + host() + "; RANK must differ, and RUN_GENERATION be raised"
                    + " when a run is started again");
        }
        meeting.put("arrived-" + rank, host() + "\n" + context.size());
        List<String> hosts = arrived(meeting, context, limit, lost);
        Liveness liveness = new Liveness(meeting, context, hosts, limit.toMillis());
        try {
            return new Ranks(
                    Collectives.open("learning", context, meeting.part("learning"), limit.toMillis(), liveness),
                    Collectives.open("sampling", context, meeting.part("sampling"), limit.toMillis(), liveness),
                    hosts,
                    context.localSize(),
                    meeting,
                    liveness);
        } catch (RuntimeException e) {
            liveness.close();
            throw e;
        }
    }

    /** The hosts of all ranks, once all have come. */
    private static List<String> arrived(
            Meeting meeting, RankContext context, Duration limit, Supplier<Optional<String>> lost) {
        List<String> names = IntStream.range(0, context.size())
                .mapToObj(of -> "arrived-" + of)
                .toList();
        long end = System.nanoTime() + limit.toNanos();
        List<String> missing = meeting.await(names, AWAIT_MILLISECONDS);
        while (!missing.isEmpty() && System.nanoTime() < end) {
            lost.get().ifPresent(line -> {
                throw new RankLostException(line);
            });
            missing = meeting.await(names, AWAIT_MILLISECONDS);
        }
        if (!missing.isEmpty()) {
            throw new RankLostException("all " + context.size() + " ranks must come within ranks.limit-seconds ("
                    + limit.toMillis() / 1000.0 + "), got: none of "
                    + String.join(
                            ", ",
                            missing.stream()
                                    .map(name -> name.replace("arrived-", "rank "))
                                    .toList())
                    + " in generation " + context.generation());
        }
        List<String> hosts = new ArrayList<>();
        for (int of = 0; of < names.size(); of++) {
            String[] said = meeting.find(names.get(of)).orElse("\n").split("\n", -1);
            hosts.add(said[0]);
            if (Integer.parseInt(said[1]) != context.size()) {
                throw new RankLostException("rank " + of + " on " + said[0] + " must have the WORLD_SIZE of rank "
                        + context.rank() + " on " + host() + " (" + context.size() + "), got: " + said[1]);
            }
        }
        return hosts;
    }

    private static String host() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }

    public int rank() {
        return learning.rank();
    }

    public int size() {
        return learning.size();
    }

    public boolean isAlone() {
        return learning.isAlone();
    }

    /** Processes of the run on this machine, who share its cores. */
    public int localSize() {
        return localSize;
    }

    /** Rank 0: it speaks, and owns the run's folder. */
    public boolean isFirst() {
        return learning.isFirst();
    }

    /** A rank with its host, for messages. */
    public String named(int rank) {
        return "rank " + rank + " on " + hosts.get(rank);
    }

    /** Of the thread that learns, evaluates and saves. */
    public Collectives learning() {
        return learning;
    }

    /** Of the thread that samples, where that goes on beside learning. */
    public Collectives sampling() {
        return sampling;
    }

    /** Bytes that this rank has given to the others. */
    public long sentBytes() {
        return learning.sentBytes() + sampling.sentBytes();
    }

    /** Whether the port where the ranks meet is open on the address of MASTER_ADDR alone. */
    public boolean listensOnItsAddressAlone() {
        return meeting == null || meeting.listensOnItsAddressAlone();
    }

    /**
     * Leaves this rank's last words to the others, who would else know only that it is gone. What another rank has caused, or a
     * person who stops the run, is no failure of this one.
     */
    public void failed(Throwable failure) {
        boolean own = !(failure instanceof RankLostException) && !(failure instanceof CancellationException);
        if (liveness != null && own) {
            String message = String.valueOf(failure.getMessage() == null ? failure : failure.getMessage());
            liveness.failed(message.lines().findFirst().orElse(""));
        }
    }

    @Override
    public void close() {
        if (liveness != null) {
            liveness.close();
        }
        learning.close();
        sampling.close();
    }
}

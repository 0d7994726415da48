package org.minpro.dist;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.javacpp.chrono.Milliseconds;
import org.bytedeco.pytorch.ByteVector;
import org.bytedeco.pytorch.FileStore;
import org.bytedeco.pytorch.IntOptional;
import org.bytedeco.pytorch.PrefixStore;
import org.bytedeco.pytorch.Store;
import org.bytedeco.pytorch.StringVector;
import org.bytedeco.pytorch.TCPStore;
import org.bytedeco.pytorch.TCPStoreOptions;
import org.jspecify.annotations.Nullable;

/**
 * Where the ranks of one generation meet: names and values that all of them see. Its methods may be called from any thread.
 *
 * <p>The binding gives a native object that was made in Java to one native owner, once: so each group has a store of its own, at the
 * same place, and none is closed from here.
 */
final class Meeting {
    private final RankContext context;
    private final long limitMilliseconds;
    private final @Nullable BoundSocket socket;
    private final Store generation;

    private Meeting(RankContext context, long limitMilliseconds) {
        this.context = context;
        this.limitMilliseconds = limitMilliseconds;
        socket = context.rank() == 0 && context.meeting() instanceof RankContext.MeetingPort at
                ? BoundSocket.listen(at.host(), at.port())
                : null;
        generation = part("meeting", socket);
    }

    static Meeting open(RankContext context, long limitMilliseconds) {
        return new Meeting(context, limitMilliseconds);
    }

    /** A part of the generation's names, for a group of its own. */
    Store part(String name) {
        return part(name, null);
    }

    private Store part(String name, @Nullable BoundSocket listening) {
        Store whole = switch (context.meeting()) {
            case RankContext.MeetingFile file ->
                new FileStore(file.path().toString(), context.size()).retainReference();
            case RankContext.MeetingPort port -> store(port, listening);
        };
        try (Milliseconds limit = new Milliseconds(limitMilliseconds)) {
            whole.setTimeout(limit);
        }
        return new PrefixStore("generation-" + context.generation() + "/" + name, whole).retainReference();
    }

    /** @param listening what this process serves at, or null where it only asks */
    private TCPStore store(RankContext.MeetingPort at, @Nullable BoundSocket listening) {
        try (PointerScope scope = new PointerScope()) {
            TCPStoreOptions options = new TCPStoreOptions();
            options.port((short) at.port());
            options.isServer(listening != null);
            options.waitWorkers(false);
            // The server that takes a socket that is bound already.
            options.useLibUV(false);
            options.timeout(new Milliseconds(limitMilliseconds));
            if (listening != null && listening.descriptor().isPresent()) {
                options.masterListenFd(new IntOptional(listening.descriptor().getAsInt()));
            } else if (listening != null) {
                listening.giveUp();
            }
            return new TCPStore(at.host(), options).retainReference();
        } catch (RuntimeException e) {
            throw new RankLostException(
                    "rank 0 must answer at MASTER_ADDR and MASTER_PORT within " + limitMilliseconds / 1000.0
                            + " s, got: no answer from " + at.host() + ":" + at.port() + " (" + Collectives.firstLine(e)
                            + ")",
                    e);
        }
    }

    /** Whether the port is open on the named address alone; true for a file. */
    boolean listensOnItsAddressAlone() {
        return socket == null || socket.descriptor().isPresent();
    }

    synchronized void put(String name, String value) {
        try (PointerScope scope = new PointerScope()) {
            generation.set(name, new ByteVector(value.getBytes(StandardCharsets.UTF_8)));
        }
    }

    /** The value of a name that was put; empty where none was. */
    synchronized Optional<String> find(String name) {
        try (PointerScope scope = new PointerScope()) {
            if (!generation.check(new StringVector(name))) {
                return Optional.empty();
            }
            ByteVector value = generation.get(name);
            byte[] bytes = new byte[Math.toIntExact(value.size())];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = value.get(i);
            }
            return Optional.of(new String(bytes, StandardCharsets.UTF_8));
        }
    }

    /** Counts a name up; the first caller gets 1. */
    synchronized long count(String name) {
        return generation.add(name, 1);
    }

    /**
     * Waits for names to be put.
     *
     * @return those that were not in time
     */
    synchronized List<String> await(List<String> names, long milliseconds) {
        try (PointerScope scope = new PointerScope()) {
            StringVector wanted = new StringVector(names.toArray(String[]::new));
            try {
                generation._wait(wanted, new Milliseconds(milliseconds));
                return List.of();
            } catch (RuntimeException e) {
                List<String> missing = new ArrayList<>(names);
                missing.removeIf(name -> generation.check(new StringVector(name)));
                return missing;
            }
        }
    }
}

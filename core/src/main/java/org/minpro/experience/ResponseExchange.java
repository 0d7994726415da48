package org.minpro.experience;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.minpro.dist.Collectives;
import org.minpro.dist.RankLostException;
import org.minpro.rollout.RolloutRequest;

/**
 * Shares the responses of a generation out among the ranks and brings them together again: each rank has all of them afterwards, or
 * all ranks end the generation for what one of them met.
 */
final class ResponseExchange {
    private static final String WHAT = "the responses";

    /** How a rank's part of a generation ended, the first byte of what it gives. */
    private enum Ending {
        DONE,
        CANCELLED,
        REFUSED,
        FAILED
    }

    private final Collectives ranks;

    ResponseExchange(Collectives ranks) {
        this.ranks = ranks;
    }

    /** This rank's part: as many responses as the others, one after the other, so that most groups stay together. */
    List<RolloutRequest> share(List<RolloutRequest> all) {
        if (ranks.isAlone()) {
            return all;
        }
        long responses =
                all.stream().mapToLong(request -> request.samples().length).sum();
        long from = responses * ranks.rank() / ranks.size();
        long to = responses * (ranks.rank() + 1) / ranks.size();
        List<RolloutRequest> mine = new ArrayList<>();
        long at = 0;
        for (RolloutRequest request : all) {
            int count = request.samples().length;
            int first = Math.clamp(from - at, 0, count);
            int end = Math.clamp(to - at, 0, count);
            if (end > first) {
                mine.add(request.only(Arrays.copyOfRange(request.samples(), first, end)));
            }
            at += count;
        }
        return mine;
    }

    /** What generates this rank's part. */
    interface Generation {
        /** @param done takes each response, one at a time */
        void run(Consumer<Journal.Entry> done);
    }

    /**
     * Generates this rank's part and takes the others' from them.
     *
     * @param done told of each response: of this rank's at once, of the others' once all have ended
     * @throws CancellationException where any rank was cancelled
     * @throws RefusedRewardException where the reward was refused on any rank
     */
    void run(Consumer<Journal.Entry> done, Generation generation) {
        if (ranks.isAlone()) {
            generation.run(done);
            return;
        }
        List<Journal.Entry> mine = new ArrayList<>();
        Throwable failure = null;
        try {
            generation.run(entry -> {
                mine.add(entry);
                done.accept(entry);
            });
        } catch (RuntimeException | Error e) {
            failure = e;
        }
        byte[][] given = ranks.gather(WHAT, message(failure, mine));
        RuntimeException others = null;
        for (int rank = 0; rank < given.length; rank++) {
            if (rank == ranks.rank()) {
                continue;
            }
            byte[] content = Arrays.copyOfRange(given[rank], 1, given[rank].length);
            Ending ending = Ending.values()[given[rank][0]];
            if (ending == Ending.DONE) {
                EntryBytes.read(content).forEach(done);
            } else {
                others = worse(others, thrown(ending, rank, new String(content, StandardCharsets.UTF_8)));
            }
        }
        if (failure instanceof Error error) {
            throw error;
        }
        if (failure instanceof RuntimeException own && !(own instanceof CancellationException && others != null)) {
            throw own;
        }
        if (others != null) {
            throw others;
        }
    }

    /** A rank that was cancelled says less than one that failed. */
    private static RuntimeException worse(@Nullable RuntimeException before, RuntimeException next) {
        return before == null || before instanceof CancellationException ? next : before;
    }

    private RuntimeException thrown(Ending ending, int rank, String message) {
        return switch (ending) {
            case CANCELLED -> new CancellationException("cancelled on " + ranks.named(rank));
            case REFUSED -> new RefusedRewardException(message + " (" + ranks.named(rank) + ")");
            default -> new RankLostException(ranks.named(rank) + " failed while it generated: " + message);
        };
    }

    private static byte[] message(@Nullable Throwable failure, List<Journal.Entry> mine) {
        ByteArrayOutputStream message = new ByteArrayOutputStream();
        if (failure == null) {
            message.write(Ending.DONE.ordinal());
            message.writeBytes(EntryBytes.of(mine));
        } else {
            Ending ending = switch (failure) {
                case CancellationException cancelled -> Ending.CANCELLED;
                case RefusedRewardException refused -> Ending.REFUSED;
                default -> Ending.FAILED;
            };
            message.write(ending.ordinal());
            message.writeBytes(String.valueOf(failure.getMessage()).getBytes(StandardCharsets.UTF_8));
        }
        return message.toByteArray();
    }

    /** Gives nothing, once, in place of what the others may wait for. */
    void leave() {
        if (!ranks.isAlone()) {
            ranks.gather(WHAT, message(new CancellationException(), List.of()));
        }
    }
}

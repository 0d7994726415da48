package org.minpro.experience;

import java.util.List;
import org.minpro.config.NamedRecords;

/** The table of staleness protocols: name, record class and one line each. */
public final class StalenessProtocols {
    private static final NamedRecords<Staleness> TABLE = new NamedRecords<>(
            "staleness",
            Staleness.class,
            List.of(
                    new NamedRecords.Entry<>(
                            "async", Async.class, "sampling runs beside training, at most so many updates ahead"),
                    new NamedRecords.Entry<>(
                            "delayed",
                            Delayed.class,
                            "a batch is trained on a fixed number of iterations after it was sampled"),
                    new NamedRecords.Entry<>(
                            "replay", Replay.class, "batches stay in a buffer and are trained on again"),
                    new NamedRecords.Entry<>(
                            "simulated", Simulated.class, "samplers that are some iterations behind, at random")));

    private StalenessProtocols() {}

    /** The table itself. */
    public static NamedRecords<Staleness> table() {
        return TABLE;
    }
}

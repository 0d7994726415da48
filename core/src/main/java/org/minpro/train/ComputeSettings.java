package org.minpro.train;

import org.minpro.config.Doc;
import org.minpro.config.Rule;

/** How the work is cut and shared out. */
public record ComputeSettings(
        @Doc("Most tokens of a block that is computed at once; less needs less memory.")
        int microBatchTokens,

        @Doc(
                "Ordered shares of a batch whose sums are added in lane order; changing it changes the last bits of a run.")
        int lanes,

        @Doc("Threads that compute; 0 takes one per core, shared out among the processes of a machine. Results do not"
                + " depend on it.")
        int workers) {
    public ComputeSettings {
        Rule.positive("micro-batch-tokens", microBatchTokens);
        Rule.check(lanes >= 1 && lanes <= 1024, "lanes", "in [1, 1024]", lanes);
        Rule.check(workers >= 0 && workers <= 1024, "workers", "in [0, 1024] (0 takes one per core)", workers);
    }

    public ComputeSettings() {
        this(768, 2, 0);
    }

    /** The number of threads of a process that has the machine for itself. */
    public int threads() {
        return threads(1);
    }

    /**
     * The number of threads of a process.
     *
     * @param processes that share the machine
     */
    public int threads(int processes) {
        return workers > 0 ? workers : Math.max(1, Runtime.getRuntime().availableProcessors() / processes);
    }
}

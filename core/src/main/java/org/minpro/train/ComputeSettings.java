package org.minpro.train;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.tensor.Cuda;

/** Where the work is done, and how it is cut and shared out. What is 0 follows from the device. */
public record ComputeSettings(
        @Doc(
                "Where models are computed: cpu, cuda (the first GPU, or that of the process's LOCAL_RANK), cuda:N, or auto, which is cuda where a GPU can be used.")
        String device,

        @Doc(
                "Most tokens of a block that is computed at once; less needs less memory. 0 is 768 on a CPU and 16384 on a GPU.")
        int microBatchTokens,

        @Doc(
                "Ordered shares of a batch whose sums are added in lane order, at least as many as processes; each takes the memory"
                        + " of all gradients, and changing it changes the last bits of a run. 0 is 2 on a CPU and 1 on a GPU.")
        int lanes,

        @Doc(
                "Threads that compute, each with the memory of a block; 0 takes one per core, shared out among the processes of a"
                        + " machine, and one for a GPU. Results do not depend on it.")
        int workers) {
    public ComputeSettings {
        Rule.check(Cuda.isSetting(device), "device", "auto, cpu, cuda or cuda:N", device);
        Rule.notNegative("micro-batch-tokens", microBatchTokens);
        Rule.check(lanes >= 0 && lanes <= 1024, "lanes", "in [0, 1024] (0 follows from the device)", lanes);
        Rule.check(workers >= 0 && workers <= 1024, "workers", "in [0, 1024] (0 takes one per core)", workers);
    }

    public ComputeSettings() {
        this("auto", 0, 0, 0);
    }

    /** Work that is cut so, on the device that is there. */
    public ComputeSettings(int microBatchTokens, int lanes, int workers) {
        this("auto", microBatchTokens, lanes, workers);
    }

    /** Whether models are computed on a CUDA device. */
    public boolean onCuda() {
        return Cuda.chosen(device).isCuda();
    }

    /** Blocks that fit a core's cache, or that keep a GPU busy. */
    @Override
    public int microBatchTokens() {
        return microBatchTokens > 0 ? microBatchTokens : onCuda() ? 16384 : 768;
    }

    @Override
    public int lanes() {
        return lanes > 0 ? lanes : onCuda() ? 1 : 2;
    }

    /** Settings are equal that come to the same cut on devices of the same name. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof ComputeSettings settings
                && device.equals(settings.device)
                && microBatchTokens() == settings.microBatchTokens()
                && lanes() == settings.lanes()
                && workers == settings.workers;
    }

    @Override
    public int hashCode() {
        return Objects.hash(device, workers);
    }

    /** The number of threads of a process that has the machine for itself. */
    public int threads() {
        return threads(1);
    }

    /**
     * The number of threads of a process: a GPU's kernels are launched by one.
     *
     * @param processes that share the machine
     */
    public int threads(int processes) {
        if (workers > 0) {
            return workers;
        }
        return onCuda() ? 1 : Math.max(1, Runtime.getRuntime().availableProcessors() / processes);
    }
}

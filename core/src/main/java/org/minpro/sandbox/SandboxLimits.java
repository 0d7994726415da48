package org.minpro.sandbox;

import org.minpro.config.Rule;

/**
 * What a child process may take.
 *
 * @param wallSeconds from its start until it is killed, > 0
 * @param cpuSeconds of processor time, where the system limits it
 * @param heapMegabytes of its heap; all of its address space is limited to about a gigabyte more
 * @param processes that run at once
 */
public record SandboxLimits(double wallSeconds, int cpuSeconds, int heapMegabytes, int processes) {
    public SandboxLimits {
        Rule.check(wallSeconds > 0 && wallSeconds <= 3600, "wall-seconds", "in (0, 3600]", wallSeconds);
        Rule.check(cpuSeconds >= 1 && cpuSeconds <= 3600, "cpu-seconds", "in [1, 3600]", cpuSeconds);
        Rule.check(heapMegabytes >= 16 && heapMegabytes <= 65_536, "heap-megabytes", "in [16, 65536]", heapMegabytes);
        Rule.check(processes >= 1 && processes <= 1024, "processes", "in [1, 1024]", processes);
    }

    /** Shell commands that set what the system limits, for the process that follows them. */
    String shell() {
        long addressKilobytes = 1_500_000L + 1024L * heapMegabytes;
        return "ulimit -c 0; ulimit -t " + cpuSeconds + " && ulimit -v " + addressKilobytes + " && ulimit -f 20000";
    }
}

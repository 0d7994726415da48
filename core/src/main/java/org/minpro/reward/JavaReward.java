package org.minpro.reward;

import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.data.Problem;
import org.minpro.rollout.Rollout;
import org.minpro.sandbox.SandboxLimits;

/**
 * Whether a response's Java passes the problem's tests, run in a {@linkplain org.minpro.sandbox.JavaSandbox sandbox}. A program
 * that does not compile, takes too long or ends its process fails.
 *
 * @param testsField field of the problem with the tests: Java statements, a list of texts or one
 */
public record JavaReward(
        @Doc("Field of the problem with the tests: Java statements such as 'assertEquals(8, f(2, 3));', a list of texts"
                + " or one text.")
        String testsField,

        @Doc("Value of a program that passes all tests.") double pass,
        @Doc("Value of one that does not.") double fail,

        @Doc("Whether a program that passes some tests gets their share of the way from fail to pass.")
        boolean partial,

        @Doc("Time from the start of a program's process until it is killed, seconds, (0, 3600].")
        double wallSeconds,

        @Doc("Processor time of a program, seconds, [1, 3600].")
        int cpuSeconds,

        @Doc("Heap of a program's process, megabytes, [16, 65536].")
        int heapMegabytes,

        @Doc("Programs that run at once, [1, 1024].") int processes)
        implements Reward {
    public JavaReward {
        Rule.check(!testsField.isBlank(), "tests-field", "a name", "'" + testsField + "'");
        Score.check("pass", pass);
        Score.check("fail", fail);
        limits(wallSeconds, cpuSeconds, heapMegabytes, processes);
    }

    /** 1 for all of {@code tests}, else 0; ten seconds, five of them of a processor, 64 MB, two at once. */
    public JavaReward() {
        this("tests", 1, 0, false, 10, 5, 64, 2);
    }

    private static SandboxLimits limits(double wallSeconds, int cpuSeconds, int heapMegabytes, int processes) {
        return new SandboxLimits(wallSeconds, cpuSeconds, heapMegabytes, processes);
    }

    SandboxLimits limits() {
        return limits(wallSeconds, cpuSeconds, heapMegabytes, processes);
    }

    /** With a sandbox for this response alone; {@link Rewards#made} gives one that keeps its sandbox. */
    @Override
    public Score score(Problem problem, Rollout rollout) {
        try (CodeReward made = new CodeReward(this)) {
            return made.score(problem, rollout);
        }
    }
}

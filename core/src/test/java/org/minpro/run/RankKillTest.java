package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.dist.RankContext;
import org.minpro.tensor.DType;

/**
 * Any rank killed at any instant: the others end by themselves, within a bounded time, naming a rank, and the run that goes on
 * leaves the bytes of one that nothing befell. {@code bench/soak/ranks} kills more of them.
 */
@Tag("slow")
class RankKillTest {
    private static final int RANKS = 2;
    private static final int KILLS = Integer.getInteger("soak.kills", 5);
    private static final long SEED = Long.getLong("soak.seed", 211);
    private static final ResumableRun.Model MODEL =
            new ResumableRun.Model("*", DType.valueOf(System.getProperty("soak.type", "BF16")), ResumableRun.DELAYED);

    /**
     * Those that are left see a closed connection, look for three seconds who is silent, and end; where the killed one had not come
     * yet, after the limit of 20 s. A busy machine starts a process in as much again.
     */
    private static final long SECONDS_TO_END = 90;

    /** Before this no rank has come, after it a run may be done. */
    private static final double LATEST_SECONDS = 9;

    @TempDir
    private Path temporary;

    private final List<Process> processes = new ArrayList<>();
    private int starts;

    private void start(KilledRuns runs, Path folder) throws Exception {
        processes.clear();
        int generation = ++starts;
        Path meeting = temporary.resolve("meeting-" + generation);
        for (int rank = 0; rank < RANKS; rank++) {
            ProcessBuilder builder = runs.builder(folder, MODEL);
            builder.redirectError(log(rank).toFile()).redirectOutput(ProcessBuilder.Redirect.DISCARD);
            builder.environment().put("RANK", String.valueOf(rank));
            builder.environment().put("WORLD_SIZE", String.valueOf(RANKS));
            builder.environment().put("RUN_GENERATION", String.valueOf(generation));
            builder.environment().put(RankContext.MEETING_FILE, meeting.toString());
            processes.add(builder.start());
        }
    }

    private Path log(int rank) {
        return temporary.resolve("rank-" + rank + ".stderr");
    }

    private String logs() throws Exception {
        StringBuilder text = new StringBuilder();
        for (int rank = 0; rank < RANKS; rank++) {
            text.append("rank " + rank + ": " + Files.readString(log(rank)) + "\n");
        }
        return text.toString();
    }

    /** Waits for all to end; whether the run is done. */
    private boolean awaitEnd() throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS_TO_END);
        boolean done = true;
        for (Process process : processes) {
            assertThat(process.waitFor(end - System.nanoTime(), TimeUnit.NANOSECONDS))
                    .as("a rank that is left ends by itself: %s", logs())
                    .isTrue();
            done &= process.exitValue() == 0;
        }
        return done;
    }

    @Test
    void aRunWhoseRanksAreKilledLeavesTheSameBytes() throws Exception {
        KilledRuns runs = new KilledRuns(temporary);
        Path whole = runs.newFolder("whole");
        assertThat(ResumableRun.go(whole, new RunListener() {}, false, MODEL)).isTrue();
        KilledRuns.Left expected = KilledRuns.Left.in(whole);
        Random random = new Random(SEED);
        int kills = 0;
        int done = 0;
        int named = 0;
        int finished = 0;
        try {
            while (kills < KILLS || done == 0) {
                Path folder = runs.newFolder("killed-" + done);
                boolean ended = false;
                while (!ended) {
                    start(runs, folder);
                    if (kills < KILLS) {
                        LockSupport.parkNanos((long) (1e9 * LATEST_SECONDS * random.nextDouble()));
                        int victim = random.nextInt(RANKS);
                        Process process = processes.get(victim);
                        boolean hit = process.isAlive();
                        process.destroyForcibly().waitFor();
                        kills += hit ? 1 : 0;
                        ended = awaitEnd() && !hit;
                        String survivor = Files.readString(log(1 - victim));
                        if (survivor.contains("rank " + victim + " ")) {
                            named++;
                        } else {
                            finished++;
                            assertThat(processes.get(1 - victim).exitValue())
                                    .as("a rank that names nobody had done its work: %s", survivor)
                                    .isZero();
                        }
                        assertThat(survivor).doesNotContain("Exception in thread");
                    } else {
                        ended = awaitDone();
                    }
                }
                KilledRuns.Left.in(folder).assertSame(expected);
                done++;
            }
        } finally {
            processes.forEach(Process::destroyForcibly);
        }
        System.out.printf(
                "ranks killed and run continued: %d kills, %d runs done, %d lines that name the rank, %d ranks that had done"
                        + " their work%n",
                kills, done, named, finished);
    }

    /** A start that nobody kills comes to the run's end. */
    private boolean awaitDone() throws Exception {
        for (Process process : processes) {
            assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
            assertThat(process.exitValue()).as(logs()).isZero();
        }
        return true;
    }
}

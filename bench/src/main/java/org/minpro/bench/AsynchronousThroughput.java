package org.minpro.bench;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.minpro.config.Settings;
import org.minpro.experience.Async;
import org.minpro.experience.Delayed;
import org.minpro.experience.Staleness;
import org.minpro.recipe.Recipe;
import org.minpro.reward.Reward;
import org.minpro.run.IterationReport;
import org.minpro.run.RunListener;
import org.minpro.run.TrainingSession;
import org.minpro.task.ArithmeticReward;

/**
 * Training whose sampling takes turns with it beside training whose sampling goes on meanwhile: the built-in run, one after the
 * other in each round, so that other work on the machine meets both.
 *
 * <p>Arguments: ROUNDS ITERATIONS REWARD_MILLISECONDS [SETTING=VALUE ...]. A reward that takes so long stands for a service or a
 * sandbox that is waited for. Each line has seconds on the clock, seconds of processors, and the clock's parts: sampling,
 * training, and what training waited for. The last lines have the medians, and the speed-up to expect where sampling and training
 * have processors of their own: (sampling + training) / max(sampling, training), of the synchronous run.
 */
public final class AsynchronousThroughput {
    private static final List<Staleness> PROTOCOLS =
            List.of(new Delayed(1), new Async(8, Async.InFlight.CONTINUE), new Async(8, Async.InFlight.FINISH));

    private AsynchronousThroughput() {}

    /**
     * One run.
     *
     * @param seconds on the clock
     * @param processors seconds of all of them
     * @param tokens sampled
     */
    private record Measured(
            double seconds, double processors, double sampling, double training, double waiting, long tokens) {}

    public static void main(String[] arguments) throws IOException {
        if (arguments.length < 3) {
            System.err.println(
                    "usage: AsynchronousThroughput ROUNDS ITERATIONS REWARD_MILLISECONDS [SETTING=VALUE ...]");
            System.exit(2);
        }
        int rounds = Integer.parseInt(arguments[0]);
        Path runs = Files.createTempDirectory("throughput");
        Settings settings = new Settings()
                .set("iterations=" + arguments[1])
                .set("evaluation.problems=0")
                .set("runs=" + runs);
        Arrays.stream(arguments).skip(3).forEach(settings::set);
        Recipe recipe =
                Recipe.binder(AsynchronousThroughput.class.getClassLoader()).bind(Recipe.class, settings);
        Reward reward = slow(Long.parseLong(arguments[2]));
        Measured[][] measured = new Measured[PROTOCOLS.size()][rounds];
        // What is loaded and compiled once belongs to none of them.
        measure(recipe.with("staleness", new Delayed()).with("iterations", 2), reward);
        for (int round = 0; round < rounds; round++) {
            for (int i = 0; i < PROTOCOLS.size(); i++) {
                measured[i][round] = measure(recipe.with("staleness", PROTOCOLS.get(i)), reward);
                print("round " + (round + 1), PROTOCOLS.get(i), measured[i][round]);
            }
        }
        for (int i = 0; i < PROTOCOLS.size(); i++) {
            print("median", PROTOCOLS.get(i), median(measured[i]));
        }
        Measured inTurn = median(measured[0]);
        System.out.printf(
                Locale.ROOT,
                "with processors of their own: %.2f times as fast (computed)%n",
                (inTurn.sampling + inTurn.training) / Math.max(inTurn.sampling, inTurn.training));
        remove(runs);
    }

    private static Reward slow(long milliseconds) {
        ArithmeticReward reward = new ArithmeticReward();
        return (problem, rollout) -> {
            if (milliseconds > 0) {
                try {
                    Thread.sleep(milliseconds);
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
            return reward.score(problem, rollout);
        };
    }

    private static Measured measure(Recipe recipe, Reward reward) {
        double[] parts = new double[3];
        long[] tokens = new long[1];
        RunListener listener = new RunListener() {
            @Override
            public void iterationFinished(IterationReport report) {
                parts[0] += report.samplingSeconds();
                parts[1] += report.trainingSeconds();
                parts[2] += report.waitedSeconds();
                tokens[0] += report.sampledTokens();
            }
        };
        try (TrainingSession session =
                TrainingSession.of(recipe).reward(reward).listener(listener).start()) {
            double processors = processorSeconds();
            long start = System.nanoTime();
            session.run();
            return new Measured(
                    (System.nanoTime() - start) / 1e9,
                    processorSeconds() - processors,
                    parts[0],
                    parts[1],
                    parts[2],
                    tokens[0]);
        }
    }

    private static double processorSeconds() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime() / 1e9;
    }

    /** The run whose time on the clock is the median of all. */
    private static Measured median(Measured[] measured) {
        return Arrays.stream(measured)
                .sorted(Comparator.comparingDouble(Measured::seconds))
                .toList()
                .get(measured.length / 2);
    }

    private static void print(String what, Staleness staleness, Measured run) {
        System.out.printf(
                Locale.ROOT,
                "%-8s %-40s %7.1f s, %7.1f s of processors; sampling %.1f s, training %.1f s, waiting %.1f s; %.0f tokens/s,"
                        + " %.0f per processor second%n",
                what,
                staleness,
                run.seconds,
                run.processors,
                run.sampling,
                run.training,
                run.waiting,
                run.tokens / run.seconds,
                run.tokens / run.processors);
    }

    private static void remove(Path folder) throws IOException {
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}

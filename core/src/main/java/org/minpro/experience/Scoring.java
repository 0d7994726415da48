package org.minpro.experience;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.minpro.data.Problem;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;

/**
 * Scores finished rollouts beside the sampling: they go into a bounded queue that reward threads drain, so that a slow
 * reward never stalls a decode slot.
 *
 * <p>A call that takes longer than its budget is interrupted and abandoned: its response is undecided, and another thread
 * takes its place. After {@value #ABANDONED_CALLS} of them the reward is refused. So is a reward whose value is not in
 * {@code [-1e6, 1e6]}.
 */
public final class Scoring {
    /** Seconds that a reward has for a response, where nobody says otherwise. */
    public static final double BUDGET_SECONDS = 60;

    /** So many rewards are computed at once: a service's answers are waited for together, and a checker needs few. */
    static final int THREADS = 8;

    /** Calls that may take too long before the reward is refused: each may hold a thread and its memory for good. */
    static final int ABANDONED_CALLS = 16;

    private static final long IDLE_SECONDS = 1;
    /** What rewards that are under way have left once a run is asked to stop. */
    private static final long GRACE_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final Reward reward;
    private final Duration budget;
    private final Consumer<RewardFailure> failed;
    /** Threads that have nothing to do for a while end by themselves. */
    private final ThreadPoolExecutor threads;
    /** Ends calls that take too long. */
    private final ScheduledThreadPoolExecutor clock;

    private final Set<Queue> open = ConcurrentHashMap.newKeySet();
    private final Object failures = new Object();
    private @Nullable RewardFailure first;
    private int abandoned;
    private volatile boolean cancelled;
    private volatile long cancelledAt;

    public Scoring(Reward reward) {
        this(reward, BUDGET_SECONDS, failure -> {});
    }

    /**
     * @param budgetSeconds that the reward has for a response; the budgets of the services that it asks come on top
     * @param failed told of each failure of the reward's own, one at a time, from any thread
     */
    public Scoring(Reward reward, double budgetSeconds, Consumer<RewardFailure> failed) {
        this.reward = reward;
        this.budget = Duration.ofNanos((long) (1e9 * (budgetSeconds + reward.serviceSeconds())));
        this.failed = failed;
        threads = new ThreadPoolExecutor(
                THREADS,
                THREADS,
                IDLE_SECONDS,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                daemons("minpro-reward"));
        threads.allowCoreThreadTimeOut(true);
        clock = new ScheduledThreadPoolExecutor(1, daemons("minpro-reward-clock"));
        clock.setRemoveOnCancelPolicy(true);
        clock.setKeepAliveTime(IDLE_SECONDS, TimeUnit.SECONDS);
        clock.allowCoreThreadTimeOut(true);
    }

    private static ThreadFactory daemons(String name) {
        return task -> {
            Thread thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        };
    }

    /** The first failure of the reward's own, if there was one. */
    public @Nullable RewardFailure firstFailure() {
        synchronized (failures) {
            return first;
        }
    }

    /**
     * Ends every wait for scores with a {@link CancellationException}, once the calls under way have had two seconds; from any
     * thread.
     */
    public void cancel() {
        if (!cancelled) {
            cancelledAt = System.nanoTime();
            cancelled = true;
        }
        open.forEach(Queue::wake);
    }

    private boolean isOver() {
        return cancelled && System.nanoTime() - cancelledAt >= GRACE_NANOS;
    }

    /**
     * A queue for the rollouts of one generation.
     *
     * @param capacity most rollouts that will come: as many as were asked for, so a decode slot never waits for a place
     * @param scored told of each rollout, one at a time, in the order in which the rollouts came: what it writes does not
     *     depend on how long a reward took
     */
    Queue queue(int capacity, Consumer<Scored> scored) {
        Queue queue = new Queue(capacity, scored);
        open.add(queue);
        return queue;
    }

    /** A rollout with its score. */
    record Scored(Problem problem, Rollout rollout, Score score) {}

    /** The rollouts of one generation between the sampler and the journal. */
    final class Queue {
        private final int capacity;
        private final Consumer<Scored> scored;
        /** Those that have not left yet, in the order in which they came. */
        private final Deque<Waiting> waiting = new ArrayDeque<>();

        private int came;
        private @Nullable Throwable failure;

        private Queue(int capacity, Consumer<Scored> scored) {
            this.capacity = capacity;
            this.scored = scored;
        }

        /**
         * Takes a finished rollout and returns at once; from any thread.
         *
         * @throws IllegalStateException if one before could not be scored or written, so that sampling may end
         */
        void add(Problem problem, Rollout rollout) {
            Waiting entry = new Waiting(problem, rollout);
            synchronized (this) {
                if (failure instanceof RefusedRewardException refused) {
                    throw refused;
                }
                if (failure != null) {
                    throw new IllegalStateException("a rollout could not be scored or written: " + failure, failure);
                }
                if (++came > capacity) {
                    throw new IllegalStateException(
                            "at most " + capacity + " rollouts must come to be scored, got: one more");
                }
                waiting.addLast(entry);
            }
            threads.execute(new Call(this, entry));
        }

        private synchronized boolean isClosed() {
            return failure != null;
        }

        private void put(Waiting entry, Score score) {
            try {
                synchronized (this) {
                    entry.score = score;
                    leave();
                }
            } catch (Throwable e) {
                fail(e);
            }
        }

        /** Hands on those at the front that have a score. */
        private void leave() {
            while (failure == null && !waiting.isEmpty()) {
                Waiting next = waiting.getFirst();
                if (next.score == null) {
                    return;
                }
                scored.accept(new Scored(next.problem, next.rollout, next.score));
                waiting.removeFirst();
            }
            notifyAll();
        }

        private synchronized void fail(Throwable e) {
            if (failure == null) {
                failure = e;
            }
            notifyAll();
        }

        private synchronized void wake() {
            notifyAll();
        }

        /** Waits until every rollout that came has left; throws the first failure on the way. */
        synchronized void await() {
            boolean interrupted = false;
            while (failure == null && !waiting.isEmpty()) {
                if (isOver()) {
                    failure = new CancellationException("scoring was cancelled");
                    break;
                }
                try {
                    if (cancelled) {
                        TimeUnit.NANOSECONDS.timedWait(
                                this, Math.max(1_000_000, GRACE_NANOS - (System.nanoTime() - cancelledAt)));
                    } else {
                        wait();
                    }
                } catch (InterruptedException e) {
                    // What came must be written first: it was paid for.
                    interrupted = true;
                }
            }
            open.remove(this);
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            if (failure instanceof RuntimeException runtime) {
                throw runtime;
            }
            if (failure instanceof Error error) {
                throw error;
            }
            if (failure != null) {
                throw new IllegalStateException(failure);
            }
        }
    }

    private static final class Waiting {
        private final Problem problem;
        private final Rollout rollout;
        private @Nullable Score score;

        Waiting(Problem problem, Rollout rollout) {
            this.problem = problem;
            this.rollout = rollout;
        }
    }

    /** One response's turn in a reward thread. */
    private final class Call implements Runnable {
        private final Queue queue;
        private final Waiting entry;
        private @Nullable Thread thread;
        private boolean late;

        Call(Queue queue, Waiting entry) {
            this.queue = queue;
            this.entry = entry;
        }

        @Override
        public void run() {
            if (isOver() || queue.isClosed()) {
                return;
            }
            synchronized (this) {
                thread = Thread.currentThread();
            }
            ScheduledFuture<?> alarm = clock.schedule(this::abandon, budget.toNanos(), TimeUnit.NANOSECONDS);
            Score score = null;
            Throwable thrown = null;
            try {
                score = reward.score(entry.problem, entry.rollout);
            } catch (Throwable e) {
                thrown = e;
            }
            alarm.cancel(false);
            boolean abandonedMeanwhile;
            synchronized (this) {
                thread = null;
                abandonedMeanwhile = late;
            }
            // An interrupt would close the journal's file with the next write.
            Thread.interrupted();
            if (abandonedMeanwhile) {
                changeSeats(-1);
                return;
            }
            try {
                queue.put(entry, checked(score, thrown));
            } catch (RuntimeException | Error e) {
                queue.fail(e);
            }
        }

        /** A reward that fails says nothing of the rollout: it is undecided, never 0. */
        private Score checked(@Nullable Score score, @Nullable Throwable thrown) {
            if (thrown instanceof Error error && !isOfTheReward(error)) {
                throw error;
            }
            if (thrown != null) {
                return undecided(RewardFailure.thrown(entry.problem, entry.rollout, thrown));
            }
            if (score == null) {
                String what = "it returned null";
                return undecided(new RewardFailure(
                        entry.problem,
                        entry.rollout,
                        what,
                        new NullPointerException(
                                "a reward must give a score, and undecided where it cannot, got: null")));
            }
            if (score.decided() && Math.abs(score.value()) > Score.LARGEST) {
                throw new RefusedRewardException("reward " + reward.described() + " must be in [-1e6, 1e6], got: "
                        + score.value() + " for " + RewardFailure.where(entry.problem, entry.rollout));
            }
            return score;
        }

        /** Errors that are the reward's own: it recursed too deep, asserted, or lacks a class. */
        private static boolean isOfTheReward(Error error) {
            return error instanceof StackOverflowError
                    || error instanceof AssertionError
                    || error instanceof LinkageError;
        }

        private void abandon() {
            TimeoutException tooLong = new TimeoutException("took longer than " + seconds() + " s");
            synchronized (this) {
                if (thread == null) {
                    return;
                }
                late = true;
                tooLong.setStackTrace(thread.getStackTrace());
                thread.interrupt();
            }
            changeSeats(1);
            try {
                giveUp(tooLong);
            } catch (RuntimeException | Error e) {
                queue.fail(e);
            }
        }

        private void giveUp(TimeoutException tooLong) {
            String what = reward.described() + " " + tooLong.getMessage() + RewardFailure.place(tooLong);
            RewardFailure failure = new RewardFailure(entry.problem, entry.rollout, what, tooLong);
            Score score = undecided(failure);
            int calls;
            synchronized (failures) {
                calls = ++abandoned;
            }
            if (calls >= ABANDONED_CALLS) {
                queue.fail(new RefusedRewardException(
                        "a reward must answer within reward-budget-seconds, got: " + calls + " calls of "
                                + reward.described() + " that took longer than " + seconds()
                                + " s, the last one" + RewardFailure.place(tooLong),
                        tooLong));
            } else {
                queue.put(entry, score);
            }
        }
    }

    private String seconds() {
        return BigDecimal.valueOf(budget.toMillis(), 3).stripTrailingZeros().toPlainString();
    }

    /** A thread more for each abandoned call, until that call returns. */
    private void changeSeats(int change) {
        synchronized (threads) {
            int seats = threads.getCorePoolSize() + change;
            if (change > 0) {
                threads.setMaximumPoolSize(seats);
                threads.setCorePoolSize(seats);
            } else {
                threads.setCorePoolSize(seats);
                threads.setMaximumPoolSize(seats);
            }
        }
    }

    private Score undecided(RewardFailure failure) {
        synchronized (failures) {
            if (first == null) {
                first = failure;
            }
            failed.accept(failure);
        }
        return Score.undecided(failure.reason());
    }
}

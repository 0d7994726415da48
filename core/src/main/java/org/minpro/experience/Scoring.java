package org.minpro.experience;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.minpro.data.Problem;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;

/**
 * Scores finished rollouts beside the sampling: they go into a bounded queue that reward threads drain, so that a slow
 * reward never stalls a decode slot.
 */
final class Scoring {
    /** So many rewards are computed at once: a service's answers are waited for together, and a checker needs few. */
    static final int THREADS = 8;

    private static final long IDLE_SECONDS = 1;

    private final Reward reward;
    /** Threads that have nothing to do for a while end by themselves. */
    private final ThreadPoolExecutor threads;

    Scoring(Reward reward) {
        this.reward = reward;
        threads = new ThreadPoolExecutor(
                THREADS, THREADS, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
                    Thread thread = new Thread(task, "minpro-reward");
                    thread.setDaemon(true);
                    return thread;
                });
        threads.allowCoreThreadTimeOut(true);
    }

    /**
     * A queue for the rollouts of one generation.
     *
     * @param capacity most rollouts that will come: as many as were asked for, so a decode slot never waits for a place
     * @param scored told of each rollout, one at a time, in the order in which the rollouts came: what it writes does not
     *     depend on how long a reward took
     */
    Queue queue(int capacity, Consumer<Scored> scored) {
        return new Queue(capacity, scored);
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
                if (failure != null) {
                    throw new IllegalStateException("a rollout could not be scored or written: " + failure, failure);
                }
                if (++came > capacity) {
                    throw new IllegalStateException(
                            "at most " + capacity + " rollouts must come to be scored, got: one more");
                }
                waiting.addLast(entry);
            }
            threads.execute(() -> score(entry));
        }

        private void score(Waiting entry) {
            try {
                Score score = Scoring.this.score(entry.problem, entry.rollout);
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
                Waiting first = waiting.getFirst();
                if (first.score == null) {
                    return;
                }
                scored.accept(new Scored(first.problem, first.rollout, first.score));
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

        /** Waits until every rollout that came has left; throws the first failure on the way. */
        synchronized void await() {
            boolean interrupted = false;
            while (failure == null && !waiting.isEmpty()) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    // What came must be written first: it was paid for.
                    interrupted = true;
                }
            }
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

    /**
     * A reward that fails says nothing of the rollout: it is undecided, never 0. So is one whose errors are its own: it recursed
     * too deep, asserted, or lacks a class.
     */
    private Score score(Problem problem, Rollout rollout) {
        try {
            Score score = reward.score(problem, rollout);
            return score == null ? Score.undecided("the reward failed: it returned null") : score;
        } catch (RuntimeException | StackOverflowError | AssertionError | LinkageError e) {
            return Score.undecided("the reward failed: " + e);
        }
    }
}

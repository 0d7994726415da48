package org.minpro.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A fixed number of Java threads, each with single-threaded kernels: on a CPU twice as fast as kernel threads. Which
 * worker runs a task never changes a result.
 */
public final class Workers implements AutoCloseable {
    private final ExecutorService executor;
    private final int count;

    public Workers(int count) {
        if (count < 1 || count > 1024) {
            throw new IllegalArgumentException("workers must be in [1, 1024], got: " + count);
        }
        this.count = count;
        Engine.start();
        executor = Executors.newFixedThreadPool(count, task -> {
            Thread thread = new Thread(
                    () -> {
                        Engine.setKernelThreads(1);
                        task.run();
                    },
                    "minpro-worker");
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Waits until a thread has ended, also where this one is interrupted meanwhile, and then is again. */
    public static void awaitEnd(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    public int count() {
        return count;
    }

    /**
     * Runs all tasks and returns their results in order; the first failure is thrown after every task has ended. A task may end
     * with a {@link CancellationException} because another one has failed; that one's failure is thrown.
     */
    public <T> List<T> run(List<? extends Callable<T>> tasks) {
        List<Future<T>> futures = new ArrayList<>();
        AtomicBoolean interruptedMeanwhile = new AtomicBoolean();
        for (Callable<T> task : tasks) {
            futures.add(executor.submit(() -> {
                if (interruptedMeanwhile.get()) {
                    throw new CancellationException("interrupted before the task began");
                }
                return task.call();
            }));
        }
        List<T> results = new ArrayList<>();
        Throwable failure = null;
        boolean interrupted = false;
        for (int i = 0; i < futures.size(); ) {
            try {
                results.add(futures.get(i).get());
                i++;
            } catch (ExecutionException e) {
                if (failure == null || failure instanceof CancellationException) {
                    failure = e.getCause();
                }
                i++;
            } catch (InterruptedException e) {
                // Those at work are waited for all the same: they use what the caller frees after this.
                interrupted = true;
                interruptedMeanwhile.set(true);
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while workers were running", failure);
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
        return results;
    }

    @Override
    public void close() {
        executor.shutdown();
    }
}

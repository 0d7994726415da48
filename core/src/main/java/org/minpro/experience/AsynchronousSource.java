package org.minpro.experience;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.minpro.model.PolicyVersion;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutEngine;
import org.minpro.tensor.Workers;

/**
 * Sampling beside learning: a thread of its own collects one batch after the other, as far ahead of the learner as the
 * protocol allows ({@link Async}).
 *
 * <p>Admission is what bounds the age: the batch of iteration i is begun once the learner has published the version after
 * iteration {@code i - ahead - 1}. Batches are given in their order, each once, so no draw is dropped or given twice. A run
 * that goes on collects again what was not given; what of it the journal has is not generated again.
 */
public final class AsynchronousSource implements BatchSource {
    private final RolloutEngine engine;
    private final GroupCollector collector;
    private final Async async;
    private final int ahead;
    private final long iterations;
    private final Deque<Ready> ready = new ArrayDeque<>();
    private Consumer<Rollout> listener = rollout -> {};
    private @Nullable Thread producer;
    private @Nullable Throwable failure;
    private boolean closed;

    /** The next iteration to give, and the first draw that none before it has taken. */
    private long iteration;

    private long nextDraw;
    /** The iterations that the published version has learned from. */
    private long learned;
    /** The next iteration to collect, and the first draw that none before it has taken. */
    private long collecting;

    private long collectingDraw;

    /**
     * A source whose thread begins with the first batch that is asked for.
     *
     * @param engine that the collector's groups are sampled with, and nobody else
     * @param updates of an iteration
     * @param iterations of the run: no later one is sampled
     */
    public AsynchronousSource(
            RolloutEngine engine, GroupCollector collector, Async async, int updates, long iterations) {
        this.engine = engine;
        this.collector = collector;
        this.async = async;
        this.ahead = async.iterationsAhead(updates);
        this.iterations = iterations;
    }

    /**
     * A batch that waits to be given.
     *
     * @param tokens generated for it
     * @param seconds that it took
     */
    private record Ready(GroupCollector.Collected collected, long tokens, double seconds) {}

    @Override
    public synchronized void publish(PolicyVersion version) {
        switch (async.inFlight()) {
            case CONTINUE -> engine.replace(version);
            case FINISH -> engine.publish(version);
        }
        learned = iteration;
        notifyAll();
    }

    @Override
    public synchronized Batch next(Consumer<Rollout> finished) {
        listener = finished;
        if (producer == null) {
            producer = new Thread(this::produce, "minpro-sampling");
            producer.setDaemon(true);
            producer.start();
        }
        long start = System.nanoTime();
        while (ready.isEmpty() && failure == null) {
            try {
                wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while a batch was waited for", e);
            }
        }
        if (ready.isEmpty()) {
            throw rethrown(failure);
        }
        Ready batch = ready.removeFirst();
        nextDraw = batch.collected.nextDraw();
        List<ScoredGroup> groups = batch.collected.groups();
        return new Batch(
                iteration++,
                groups,
                groups,
                batch.collected.skipped(),
                batch.collected.resampled(),
                batch.tokens,
                batch.seconds,
                (System.nanoTime() - start) / 1e9);
    }

    private static RuntimeException rethrown(@Nullable Throwable failure) {
        if (failure instanceof Error error) {
            throw error;
        }
        return failure instanceof RuntimeException runtime ? runtime : new IllegalStateException(failure);
    }

    /** The producer's life. */
    private void produce() {
        try {
            while (isAdmitted()) {
                long start = System.nanoTime();
                LongAdder tokens = new LongAdder();
                Consumer<Rollout> told = listener();
                GroupCollector.Collected collected =
                        collector.collect(collecting, collectingDraw, collector.groups(), rollout -> {
                            tokens.add(rollout.length());
                            told.accept(rollout);
                        });
                put(new Ready(collected, tokens.sum(), (System.nanoTime() - start) / 1e9));
            }
            if (endsEarly()) {
                // Another rank may have begun a batch that this one has not.
                collector.leave();
            }
        } catch (RuntimeException | Error e) {
            fail(e);
        }
    }

    private synchronized Consumer<Rollout> listener() {
        return listener;
    }

    /** Waits until the next batch may be begun; false where there is none. */
    private synchronized boolean isAdmitted() {
        while (!closed && collecting < iterations && collecting > learned + ahead) {
            try {
                wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
        return !closed && collecting < iterations;
    }

    private synchronized boolean endsEarly() {
        return collecting < iterations;
    }

    private synchronized void put(Ready batch) {
        ready.addLast(batch);
        collecting++;
        collectingDraw = batch.collected.nextDraw();
        notifyAll();
    }

    private synchronized void fail(Throwable e) {
        failure = e;
        notifyAll();
    }

    @Override
    public synchronized State state() {
        return new State(iteration, nextDraw, List.of());
    }

    @Override
    public synchronized void restore(State state) {
        if (producer != null) {
            throw new IllegalStateException("a source must be restored before its first batch, got: after it");
        }
        if (!state.waiting().isEmpty()) {
            throw new IllegalArgumentException("staleness must be the one that the run began with, in which "
                    + (state.waiting().size() == 1
                            ? "1 batch waits"
                            : state.waiting().size() + " batches wait")
                    + " to be trained on, got: async, which keeps none");
        }
        iteration = state.iteration();
        nextDraw = state.nextDraw();
        collecting = iteration;
        collectingDraw = nextDraw;
    }

    @Override
    public synchronized int waiting() {
        return ready.size() * collector.groups();
    }

    @Override
    public void close() {
        Thread running;
        synchronized (this) {
            closed = true;
            running = producer;
            notifyAll();
        }
        if (running != null && running.isAlive()) {
            collector.cancel();
            // What the thread uses is freed after this.
            Workers.awaitEnd(running);
        }
        engine.withdraw();
    }
}

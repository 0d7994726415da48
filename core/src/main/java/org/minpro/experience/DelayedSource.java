package org.minpro.experience;

import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.minpro.model.PolicyVersion;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutEngine;

/**
 * Sampling and learning in turn, with an exact delay: what is sampled at iteration i is due at iteration {@code i + lag}.
 *
 * <p>Nothing is due in the first {@code lag} iterations; what waits after the last one is never trained on. The published
 * version is held while it is sampled from and given back before the batch is, so that its weights can be stepped where
 * they are.
 */
public final class DelayedSource implements BatchSource {
    private final RolloutEngine engine;
    private final GroupCollector collector;
    private final RolloutBuffer<List<ScoredGroup>> buffer;
    private @Nullable PolicyVersion version;
    private long iteration;
    private long nextDraw;

    /**
     * @param engine that the collector's groups are sampled with
     * @param lag iterations between sampling a batch and training on it
     */
    public DelayedSource(RolloutEngine engine, GroupCollector collector, int lag) {
        this.engine = engine;
        this.collector = collector;
        this.buffer = new RolloutBuffer<>(lag);
    }

    @Override
    public void publish(PolicyVersion newest) {
        release();
        version = newest.hold();
    }

    @Override
    public Batch next(Consumer<Rollout> finished) {
        if (version == null) {
            throw new IllegalStateException("a policy version must be published before each batch, got: none");
        }
        long start = System.nanoTime();
        LongAdder tokens = new LongAdder();
        engine.publish(version);
        GroupCollector.Collected collected;
        try {
            collected = collector.collect(iteration, nextDraw, rollout -> {
                tokens.add(rollout.length());
                finished.accept(rollout);
            });
        } finally {
            engine.withdraw();
        }
        release();
        nextDraw = collected.nextDraw();
        List<ScoredGroup> due = buffer.exchange(collected.groups()).orElse(List.of());
        return new Batch(
                iteration++,
                collected.groups(),
                due,
                collected.skipped(),
                collected.resampled(),
                tokens.sum(),
                (System.nanoTime() - start) / 1e9);
    }

    private void release() {
        if (version != null) {
            version.close();
            version = null;
        }
    }

    @Override
    public State state() {
        return new State(
                iteration,
                nextDraw,
                buffer.waiting().stream()
                        .map(batch -> batch.stream().map(ScoredGroup::draw).toList())
                        .toList());
    }

    @Override
    public void restore(State state) {
        iteration = state.iteration();
        nextDraw = state.nextDraw();
        buffer.restore(state.waiting().stream()
                .map(batch -> batch.stream().map(collector::journaled).toList())
                .toList());
    }

    @Override
    public void close() {
        release();
    }
}

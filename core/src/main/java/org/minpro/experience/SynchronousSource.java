package org.minpro.experience;

import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.minpro.model.PolicyVersion;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutEngine;

/**
 * Sampling and learning in turn; a buffer says what is sampled and what is due ({@link GroupBuffer}).
 *
 * <p>The published version is held while it is sampled from and given back before the batch is, so that its weights can be
 * stepped where they are.
 */
public final class SynchronousSource implements BatchSource {
    private final RolloutEngine engine;
    private final GroupCollector collector;
    private final GroupBuffer buffer;
    private @Nullable PolicyVersion version;
    private long iteration;
    private long nextDraw;

    /**
     * @param engine that the collector's groups are sampled with
     * @param staleness one whose sampling and learning take turns
     * @param seed of what is drawn from a buffer
     */
    public SynchronousSource(RolloutEngine engine, GroupCollector collector, Staleness staleness, long seed) {
        this.engine = engine;
        this.collector = collector;
        this.buffer = GroupBuffer.of(staleness, collector.groups(), seed);
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
            collected = collector.collect(iteration, nextDraw, buffer.wanted(iteration), rollout -> {
                tokens.add(rollout.length());
                finished.accept(rollout);
            });
        } finally {
            engine.withdraw();
        }
        release();
        nextDraw = collected.nextDraw();
        List<ScoredGroup> due = buffer.exchange(iteration, collected.groups());
        double seconds = (System.nanoTime() - start) / 1e9;
        return new Batch(
                iteration++,
                buffer.reported(collected.groups(), due),
                due,
                collected.skipped(),
                collected.resampled(),
                tokens.sum(),
                seconds,
                seconds);
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
                buffer.kept().stream()
                        .map(batch -> batch.stream().map(ScoredGroup::draw).toList())
                        .toList());
    }

    @Override
    public void restore(State state) {
        iteration = state.iteration();
        nextDraw = state.nextDraw();
        buffer.restore(
                iteration,
                state.waiting().stream()
                        .map(batch -> batch.stream().map(collector::journaled).toList())
                        .toList());
    }

    @Override
    public int waiting() {
        return buffer.waiting();
    }

    @Override
    public void close() {
        release();
    }
}

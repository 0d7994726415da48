package org.minpro.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;
import org.minpro.model.GradientSums;
import org.minpro.tensor.Engine;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;

/**
 * The exchange of one update's gradients, bucket by bucket ({@link Buckets}) in a thread of its own, while this rank's lanes are
 * still at work.
 *
 * <p>A bucket goes out when every lane of this rank is done with it. All ranks exchange the buckets in one order, and nothing else
 * in their group meanwhile.
 */
final class OverlappedExchange implements PolicyGradient.GradientTaker, AutoCloseable {
    private final GradientExchange exchange;
    private final Buckets buckets;
    private final SequencedMap<String, Tensor> parameters;
    private final int lanes;
    private final List<OfLane> mine = new ArrayList<>();
    private final SequencedMap<String, Tensor> sums = new LinkedHashMap<>();
    private final Thread thread;
    private int exchanged;
    private boolean abandoned;
    private @Nullable Throwable failure;

    /** What a lane has handed over. */
    private static final class OfLane {
        private final int lane;
        private final List<SequencedMap<String, Tensor>> buckets = new ArrayList<>();

        OfLane(int lane) {
            this.lane = lane;
        }
    }

    /**
     * An exchange that waits for the first bucket.
     *
     * @param parameters those that are trained, in the order of the model
     * @param lanes of the update, on all ranks; lane l is executed by rank l mod N
     */
    OverlappedExchange(
            GradientExchange exchange, Ownership ownership, SequencedMap<String, Tensor> parameters, int lanes) {
        this.exchange = exchange;
        this.buckets = ownership.buckets();
        this.parameters = parameters;
        this.lanes = lanes;
        for (int lane = ownership.ranks().rank();
                lane < lanes;
                lane += ownership.ranks().size()) {
            mine.add(new OfLane(lane));
        }
        thread = new Thread(this::exchangeAll, "minpro-exchange");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void passed(int lane, int layer, GradientSums gradients) {
        hand(lane, buckets.doneAfter(layer), gradients);
    }

    @Override
    public void ended(int lane, GradientSums gradients) {
        hand(lane, buckets.count(), gradients);
    }

    private synchronized void hand(int lane, int done, GradientSums gradients) {
        OfLane of = mine.stream().filter(each -> each.lane == lane).findFirst().orElseThrow();
        while (of.buckets.size() < done) {
            of.buckets.add(gradients.takeSums(buckets.names(of.buckets.size())));
        }
        notifyAll();
    }

    private void exchangeAll() {
        Engine.setKernelThreads(1);
        try {
            for (int bucket = 0; bucket < buckets.count(); bucket++) {
                List<GradientExchange.OfLane> given = await(bucket);
                if (given == null) {
                    return;
                }
                SequencedMap<String, Tensor> ofBucket = new LinkedHashMap<>();
                for (String name : buckets.names(bucket)) {
                    ofBucket.put(name, Objects.requireNonNull(parameters.get(name)));
                }
                done(exchange.sum(lanes, given, ofBucket));
            }
        } catch (RuntimeException | Error e) {
            failed(e);
        }
    }

    /** What this rank's lanes have of a bucket, once all of them are done with it; null where nobody wants the sum any more. */
    private synchronized @Nullable List<GradientExchange.OfLane> await(int bucket) {
        while (!abandoned && mine.stream().anyMatch(lane -> lane.buckets.size() <= bucket)) {
            try {
                wait();
            } catch (InterruptedException e) {
                throw new IllegalStateException("interrupted while gradients were exchanged", e);
            }
        }
        return abandoned
                ? null
                : mine.stream()
                        .map(lane ->
                                new GradientExchange.OfLane(lane.lane, lane.buckets.set(bucket, new LinkedHashMap<>())))
                        .toList();
    }

    private synchronized void done(SequencedMap<String, Tensor> ofBucket) {
        sums.putAll(ofBucket);
        exchanged++;
        notifyAll();
    }

    private synchronized void failed(Throwable e) {
        failure = e;
        notifyAll();
    }

    /** Buckets that all ranks have exchanged. */
    synchronized int exchanged() {
        return exchanged;
    }

    /**
     * Waits for the last bucket; every lane of this rank must have ended.
     *
     * @return the sums over all lanes, in the order of the parameters, whole tensors of which this rank's slices alone have values;
     *     the caller's from now on
     */
    SequencedMap<String, Tensor> sum() {
        Workers.awaitEnd(thread);
        synchronized (this) {
            if (failure instanceof RuntimeException runtime) {
                throw runtime;
            }
            if (failure instanceof Error error) {
                throw error;
            }
            SequencedMap<String, Tensor> ordered = PolicyGradient.inOrder(sums, parameters);
            // They are the caller's.
            sums.clear();
            return ordered;
        }
    }

    /** Ends the exchange after the bucket that is on its way, and frees what nobody has taken. */
    @Override
    public void close() {
        synchronized (this) {
            abandoned = true;
            notifyAll();
        }
        Workers.awaitEnd(thread);
        synchronized (this) {
            sums.values().forEach(Tensor::close);
            sums.clear();
            for (OfLane lane : mine) {
                lane.buckets.forEach(bucket -> bucket.values().forEach(Tensor::close));
                lane.buckets.clear();
            }
        }
    }
}

package org.minpro.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class WorkersTest {
    /** Else a caller frees what the task still writes to. */
    @Test
    void anInterruptedCallerWaitsForTheTaskAtWorkAndBeginsNoOther() throws Exception {
        CountDownLatch began = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicBoolean ended = new AtomicBoolean();
        AtomicBoolean second = new AtomicBoolean();
        AtomicBoolean endedBefore = new AtomicBoolean();
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        try (Workers workers = new Workers(1)) {
            Callable<Boolean> atWork = () -> {
                began.countDown();
                goOn.await();
                ended.set(true);
                return true;
            };
            Callable<Boolean> waiting = () -> {
                second.set(true);
                return true;
            };
            Thread caller = new Thread(() -> {
                try {
                    workers.run(List.of(atWork, waiting));
                } catch (IllegalStateException e) {
                    thrown.set(e);
                }
                endedBefore.set(ended.get());
            });
            caller.start();
            began.await();
            caller.interrupt();
            // It has seen the interruption once it waits again without one.
            while (caller.isInterrupted() || caller.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            goOn.countDown();
            caller.join();
            assertThat(thrown.get()).hasMessage("interrupted while workers were running");
            assertThat(endedBefore).isTrue();
            assertThat(second).isFalse();
        }
    }

    @Test
    void aFailureIsThrownRatherThanTheCancellationThatFollowsFromIt() {
        Callable<Boolean> cancelled = () -> {
            throw new CancellationException("another one has failed");
        };
        Callable<Boolean> failed = () -> {
            throw new IllegalArgumentException("the failure");
        };
        try (Workers workers = new Workers(1)) {
            assertThatThrownBy(() -> workers.run(List.of(cancelled, failed, cancelled)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("the failure");
            assertThatThrownBy(() -> workers.run(List.of(cancelled))).isInstanceOf(CancellationException.class);
        }
    }
}

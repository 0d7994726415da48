package org.minpro.experience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.minpro.data.Problem;

class GroupBufferTest {
    private static final int GROUPS = 6;

    private static List<ScoredGroup> groups(long first, int count) {
        return LongStream.range(first, first + count)
                .mapToObj(draw -> new ScoredGroup(draw, Problem.of("p" + draw, "", ""), List.of(), List.of()))
                .toList();
    }

    /**
     * What a buffer gives, by iteration, and when each draw was sampled.
     *
     * @param due draws
     * @param sampledAt iteration by draw
     */
    private record History(List<List<Long>> due, Map<Long, Integer> sampledAt) {
        /** Iterations between sampling a draw and training on it. */
        int delay(int iteration, long draw) {
            return iteration - Objects.requireNonNull(sampledAt.get(draw));
        }
    }

    /** @param restored how often the buffer is written down and read again on the way */
    private static History history(Staleness staleness, int iterations, boolean restored) {
        GroupBuffer buffer = GroupBuffer.of(staleness, GROUPS, 9);
        List<List<Long>> due = new ArrayList<>();
        Map<Long, Integer> sampledAt = new HashMap<>();
        long next = 0;
        for (int iteration = 0; iteration < iterations; iteration++) {
            int wanted = buffer.wanted(iteration);
            for (long draw = next; draw < next + wanted; draw++) {
                sampledAt.put(draw, iteration);
            }
            due.add(buffer.exchange(iteration, groups(next, wanted)).stream()
                    .map(ScoredGroup::draw)
                    .toList());
            next += wanted;
            if (restored) {
                List<List<ScoredGroup>> kept = buffer.kept();
                buffer = GroupBuffer.of(staleness, GROUPS, 9);
                buffer.restore(iteration + 1, kept);
            }
        }
        return new History(due, sampledAt);
    }

    static List<Staleness> protocols() {
        return List.of(
                new Delayed(),
                new Delayed(3),
                new Replay(1, Replay.Order.NEWEST, 1),
                new Replay(3, Replay.Order.NEWEST, 3),
                new Replay(4, Replay.Order.UNIFORM, 2),
                new Simulated(1, List.of(2), 1),
                new Simulated(4, List.of(0, 1, 5), 1),
                new Simulated(3, List.of(0, 0, 0, 7), 2));
    }

    @ParameterizedTest
    @MethodSource("protocols")
    void aBufferThatIsWrittenDownAndReadAgainGoesOnAsBefore(Staleness staleness) {
        assertThat(history(staleness, 30, true)).isEqualTo(history(staleness, 30, false));
    }

    @ParameterizedTest
    @MethodSource("protocols")
    void idleIterationsTrainNothingAndTheOthersWholeBatches(Staleness staleness) {
        List<List<Long>> due = history(staleness, 30, false).due();
        for (int i = 0; i < due.size(); i++) {
            assertThat(due.get(i))
                    .hasSize(i < staleness.idleIterations() ? 0 : staleness.batchesTrained() * GROUPS)
                    .doesNotHaveDuplicates();
        }
    }

    /** How often each draw is trained on. */
    private static Map<Long, Integer> uses(History history) {
        Map<Long, Integer> uses = new HashMap<>();
        history.due().forEach(batch -> batch.forEach(draw -> uses.merge(draw, 1, Integer::sum)));
        return uses;
    }

    @Test
    void whatIsDelayedIsTrainedOnOnceAndExactlySoLate() {
        History history = history(new Delayed(3), 30, false);
        for (int i = 3; i < 30; i++) {
            int iteration = i;
            assertThat(history.due().get(i))
                    .allSatisfy(draw -> assertThat(history.sampledAt()).containsEntry(draw, iteration - 3));
        }
        assertThat(uses(history))
                .hasSize(27 * GROUPS)
                .allSatisfy((draw, count) -> assertThat(count).isOne());
    }

    @Test
    void theNewestBatchesComeFirstAndEachIsUsedSoOften() {
        History history = history(new Replay(3, Replay.Order.NEWEST, 3), 30, false);
        for (int i = 2; i < 30; i++) {
            for (int place = 0; place < 3 * GROUPS; place++) {
                assertThat(history.sampledAt())
                        .containsEntry(history.due().get(i).get(place), i - place / GROUPS);
            }
        }
        Map<Long, Integer> uses = uses(history);
        for (long draw = 2 * GROUPS; draw < 28 * GROUPS; draw++) {
            assertThat(uses).containsEntry(draw, 3);
        }
    }

    /** 24 groups, of which 12 are drawn: the mean number of uses is 2, and of a window of 4 iterations all ages occur. */
    @Test
    void aUniformDrawIsFromTheWholeBufferAndNoWiderOne() {
        int iterations = 2_000;
        History history = history(new Replay(4, Replay.Order.UNIFORM, 2), iterations, false);
        int[] ages = new int[4];
        for (int i = 3; i < iterations; i++) {
            for (long draw : history.due().get(i)) {
                ages[history.delay(i, draw)]++;
            }
        }
        int drawn = 2 * GROUPS * (iterations - 3);
        for (int count : ages) {
            // Four standard deviations of a binomial share of 1/4.
            assertThat(Math.abs(count - drawn / 4.0)).isLessThan(4 * Math.sqrt(drawn * 3 / 16.0));
        }
        Map<Integer, Integer> byUses = new HashMap<>();
        Map<Long, Integer> uses = uses(history);
        for (long draw = 3 * GROUPS; draw < (iterations - 3L) * GROUPS; draw++) {
            byUses.merge(uses.getOrDefault(draw, 0), 1, Integer::sum);
        }
        assertThat(byUses.keySet()).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
    }

    @Test
    void aSimulatedDelayIsOneOfThoseGivenAndOneForAWorkersShare() {
        Simulated simulated = new Simulated(3, List.of(0, 2, 7), 5);
        History history = history(simulated, 60, false);
        Map<Integer, Integer> delays = new HashMap<>();
        for (int i = 7; i < 60; i++) {
            List<Long> batch = history.due().get(i);
            for (int place = 0; place < GROUPS; place++) {
                int delay = history.delay(i, batch.get(place));
                delays.merge(delay, 1, Integer::sum);
                assertThat(delay).isEqualTo(history.delay(i, batch.get(place % 3)));
            }
        }
        assertThat(delays.keySet()).containsExactlyInAnyOrder(0, 2, 7);
        assertThat(delays.values()).allSatisfy(count -> assertThat(count).isGreaterThan(53 * GROUPS / 6));
        assertThat(uses(history).values()).containsOnly(1);
    }

    @Test
    void inTheFirstIterationsASimulatedDelayIsAtMostTheIteration() {
        History history = history(new Simulated(2, List.of(4), 1), 8, false);
        assertThat(history.sampledAt().values().stream().filter(at -> at == 0)).hasSize(5 * GROUPS);
        for (int i = 0; i < 8; i++) {
            int expected = Math.max(0, i - 4);
            assertThat(history.due().get(i))
                    .allSatisfy(draw -> assertThat(history.sampledAt()).containsEntry(draw, expected));
        }
        assertThat(new HashSet<>(history.due().get(1)))
                .doesNotContainAnyElementsOf(history.due().get(0));
    }

    @Test
    void aBufferOfAnotherProtocolIsRefused() {
        List<List<ScoredGroup>> stored = List.of(groups(0, GROUPS), groups(GROUPS, GROUPS));
        assertThatThrownBy(() -> GroupBuffer.of(new Delayed(1), GROUPS, 9).restore(5, stored))
                .hasMessageStartingWith("lag must be at least the number of batches that wait (2), got: 1");
        assertThatThrownBy(() -> GroupBuffer.of(new Replay(4, Replay.Order.UNIFORM, 1), GROUPS, 9)
                        .restore(5, stored))
                .hasMessageStartingWith("staleness.capacity must be the one that the run began with, got: 4");
        assertThatThrownBy(() -> GroupBuffer.of(new Simulated(1, List.of(2), 1), GROUPS, 9)
                        .restore(5, List.of(groups(0, GROUPS))))
                .hasMessageStartingWith("staleness must be the one that the run began with");
    }

    @Test
    void aPlanSaysWhatAProtocolDoes() {
        assertThat(new Delayed(2).described(4))
                .isEqualTo("lag 2, 4 updates per iteration: tokens are 8 to 11 updates old; the last 2 batches are"
                        + " sampled but not trained on");
        assertThat(new Delayed(1).described(1))
                .isEqualTo("lag 1, 1 update per iteration: tokens are 1 update old; the last batch is sampled but not"
                        + " trained on");
        assertThat(new Delayed(0).described(1))
                .isEqualTo("lag 0, 1 update per iteration: every token is of the policy that learns from it");
        assertThat(new Replay(4, Replay.Order.UNIFORM, 2).described(8))
                .isEqualTo(
                        "replay, 2 batches of the last 4, groups drawn at random, 8 updates per iteration: tokens are 0"
                                + " to 31 updates old; the first 3 iterations fill the buffer and train nothing");
        assertThat(new Replay(2, Replay.Order.NEWEST, 2).described(2))
                .isEqualTo(
                        "replay, 2 batches of the last 2, the newest first, 2 updates per iteration: tokens are 0 to 3"
                                + " updates old; the first 1 iteration fills the buffer and trains nothing");
        assertThat(new Simulated(4, List.of(0, 3), 1).described(2))
                .isEqualTo(
                        "4 simulated workers, each share 0 to 3 iterations behind, 2 updates per iteration: tokens are 0"
                                + " to 7 updates old (younger in the first iterations)");
    }
}

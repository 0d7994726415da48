package org.minpro.experience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.minpro.data.Problem;
import org.minpro.dist.Collectives;
import org.minpro.model.PolicyVersion;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutEngine;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;

@Timeout(60)
class ScoringTest {
    private static final Problem PROBLEM = Problem.of("p", "", "");

    private static Rollout rollout(int sample) {
        return new Rollout(
                0,
                sample,
                new int[] {3},
                new int[] {sample},
                new boolean[] {true},
                new float[] {-1},
                new float[1],
                new long[1],
                Rollout.Finish.STOP,
                "");
    }

    /** Ends all responses in their order, in the calling thread. */
    private static final class Engine implements RolloutEngine {
        private final CountDownLatch ended = new CountDownLatch(1);

        @Override
        public List<Rollout> generate(
                List<RolloutRequest> requests, SamplingParams params, Consumer<Rollout> finished) {
            List<Rollout> rollouts = new ArrayList<>();
            for (int sample : requests.getFirst().samples()) {
                rollouts.add(rollout(sample));
                finished.accept(rollouts.getLast());
            }
            ended.countDown();
            return rollouts;
        }

        @Override
        public void publish(PolicyVersion version) {}

        @Override
        public void replace(PolicyVersion version) {}

        @Override
        public void withdraw() {}

        @Override
        public Exactness exactness() {
            return Exactness.BITWISE;
        }

        @Override
        public void cancel() {}

        @Override
        public void close() {}
    }

    /** Writes down the samples in the order in which they are journaled. */
    private static Journal journal(List<Integer> samples) {
        return new Journal() {
            @Override
            public Optional<Entry> find(long draw, int sample) {
                return Optional.empty();
            }

            @Override
            public void append(long iteration, Problem problem, Rollout rollout, Score score) {
                samples.add(rollout.sample());
            }
        };
    }

    private static List<ScoredGroup> generate(Engine engine, Reward reward, Journal journal, int samples) {
        return generate(engine, new Scoring(reward), journal, samples);
    }

    private static List<ScoredGroup> generate(Engine engine, Scoring scoring, Journal journal, int samples) {
        SequencedMap<RolloutRequest, Problem> requests = new LinkedHashMap<>();
        requests.put(RolloutRequest.of(0, new int[] {3}, samples), PROBLEM);
        return new GroupGenerator(engine, scoring, journal, Continuations.NONE, Collectives.alone())
                .generate(0, requests, SamplingParams.of(1, List.of()), rollout -> {});
    }

    @Test
    void samplingEndsBeforeTheFirstRewardDoes() {
        Engine engine = new Engine();
        Reward waits = (problem, rollout) -> {
            try {
                assertThat(engine.ended.await(30, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return Score.of(rollout.sample());
        };
        ScoredGroup group =
                generate(engine, waits, journal(new ArrayList<>()), 40).getFirst();
        assertThat(group.scores()).hasSize(40).allMatch(Score::decided);
        assertThat(group.scores().get(17).value()).isEqualTo(17);
    }

    @Test
    void theJournalHasTheOrderInWhichResponsesEndedHoweverLongRewardsTake() {
        List<Integer> journaled = Collections.synchronizedList(new ArrayList<>());
        Reward uneven = (problem, rollout) -> {
            try {
                Thread.sleep(rollout.sample() % 7 == 0 ? 30 : rollout.sample() % 3);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return Score.of(1);
        };
        generate(new Engine(), uneven, journal(journaled), 60);
        assertThat(journaled).hasSize(60).isSorted();
    }

    @Test
    void aRewardThatFailsLeavesItsResponseUndecidedAndTheOthersAsTheyAre() {
        Reward fails = (problem, rollout) -> {
            if (rollout.sample() == 1) {
                throw new IllegalStateException("no");
            }
            if (rollout.sample() == 2) {
                throw new StackOverflowError();
            }
            return Score.of(1);
        };
        ScoredGroup group = generate(new Engine(), fails, Journal.none(), 4).getFirst();
        assertThat(group.scores()).extracting(Score::decided).containsExactly(true, false, false, true);
        assertThat(group.scores().get(1).reason()).contains("the reward failed", "no");
    }

    @Test
    void aJournalThatCannotBeWrittenEndsTheGeneration() {
        Journal full = new Journal() {
            @Override
            public Optional<Entry> find(long draw, int sample) {
                return Optional.empty();
            }

            @Override
            public void append(long iteration, Problem problem, Rollout rollout, Score score) {
                throw new UncheckedIOException(new IOException("No space left on device"));
            }
        };
        assertThatThrownBy(() -> generate(new Engine(), (problem, rollout) -> Score.of(1), full, 50))
                .hasMessageContaining("No space left on device");
    }

    @Test
    void anErrorOfTheMachineIsNotTakenForTheRewardsOwn() {
        Reward exhausted = (problem, rollout) -> {
            throw new OutOfMemoryError("a test's own");
        };
        assertThatThrownBy(() -> generate(new Engine(), exhausted, Journal.none(), 3))
                .hasStackTraceContaining("a test's own");
    }

    /** Waits for a latch, whoever interrupts. */
    private static void hang(CountDownLatch latch) {
        while (latch.getCount() > 0) {
            try {
                latch.await();
            } catch (InterruptedException e) {
                // What a careless reward does.
            }
        }
    }

    @Test
    void callsThatTakeTooLongAreUndecidedAndHoldNoSeat() {
        CountDownLatch released = new CountDownLatch(1);
        int hanging = Scoring.THREADS + 2;
        Reward hangs = (problem, rollout) -> {
            if (rollout.sample() < hanging) {
                hang(released);
            }
            return Score.of(1);
        };
        List<RewardFailure> failures = new ArrayList<>();
        ScoredGroup group = generate(new Engine(), new Scoring(hangs, 0.1, failures::add), Journal.none(), 30)
                .getFirst();
        assertThat(group.scores().subList(0, hanging)).noneMatch(Score::decided);
        assertThat(group.scores().subList(hanging, 30)).allMatch(Score::decided);
        assertThat(group.scores().getFirst().reason())
                .startsWith("the reward failed: org.minpro.experience.ScoringTest's lambda took longer than 0.1 s at"
                        + " ScoringTest.java:");
        assertThat(failures).hasSize(hanging);
        released.countDown();
    }

    @Test
    void afterSixteenSuchCallsTheRewardIsRefusedByItsClass() {
        CountDownLatch released = new CountDownLatch(1);
        Scoring scoring = new Scoring(new Hanging(released), 0.05, failure -> {});
        assertThatThrownBy(() -> generate(new Engine(), scoring, Journal.none(), 40))
                .isInstanceOf(RefusedRewardException.class)
                .hasMessageContaining("reward-budget-seconds, got: 16 calls of " + Hanging.class.getName()
                        + " that took longer than 0.05 s, the last one at ScoringTest.java:");
        released.countDown();
    }

    private record Hanging(CountDownLatch released) implements Reward {
        @Override
        public Score score(Problem problem, Rollout rollout) {
            hang(released);
            return Score.of(1);
        }
    }

    @Test
    void aCallThatHeedsItsInterruptGivesItsThreadBackAndNoScore() {
        Reward sleeps = (problem, rollout) -> {
            try {
                Thread.sleep(rollout.sample() == 0 ? 60_000 : 0);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return Score.of(1);
        };
        List<Integer> journaled = Collections.synchronizedList(new ArrayList<>());
        ScoredGroup group = generate(new Engine(), new Scoring(sleeps, 0.1, failure -> {}), journal(journaled), 5)
                .getFirst();
        assertThat(group.scores()).extracting(Score::decided).containsExactly(false, true, true, true, true);
        assertThat(journaled).containsExactly(0, 1, 2, 3, 4);
    }

    @Test
    void aHangingRewardDoesNotHoldUpARunThatIsToStop() throws InterruptedException {
        CountDownLatch released = new CountDownLatch(1);
        CountDownLatch begun = new CountDownLatch(1);
        Scoring scoring = new Scoring((problem, rollout) -> {
            begun.countDown();
            hang(released);
            return Score.of(1);
        });
        Thread stops = new Thread(() -> {
            try {
                begun.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            scoring.cancel();
        });
        stops.start();
        assertThatThrownBy(() -> generate(new Engine(), scoring, Journal.none(), 40))
                .isInstanceOf(CancellationException.class);
        stops.join();
        released.countDown();
    }

    @Test
    void valuesOutOfRangeAreRefusedByName() {
        for (double value : new double[] {1e7, -1.5e6, 1e300}) {
            Reward large = (problem, rollout) -> Score.of(rollout.sample() == 2 ? value : 1e6);
            assertThatThrownBy(() -> generate(new Engine(), large, Journal.none(), 4))
                    .isInstanceOf(RefusedRewardException.class)
                    .hasMessage("reward org.minpro.experience.ScoringTest's lambda must be in [-1e6, 1e6], got: "
                            + value + " for problem p, draw 0, sample 2");
        }
    }

    @Test
    void theFirstFailureHasTheWholeTrace() {
        Reward fails = (problem, rollout) -> {
            try {
                return Score.of(Integer.parseInt("x" + rollout.sample()));
            } catch (NumberFormatException e) {
                throw new IllegalStateException("no score", e);
            }
        };
        Scoring scoring = new Scoring(fails);
        ScoredGroup group = generate(new Engine(), scoring, Journal.none(), 3).getFirst();
        assertThat(group.scores().getFirst().reason())
                .startsWith("the reward failed: java.lang.IllegalStateException: no score at ScoringTest.java:")
                .contains(", caused by java.lang.NumberFormatException: For input string: \"x0\" at ScoringTest.java:");
        RewardFailure first = java.util.Objects.requireNonNull(scoring.firstFailure());
        assertThat(first.cause()).hasCauseInstanceOf(NumberFormatException.class);
        assertThat(first.trace()).contains("Caused by: java.lang.NumberFormatException", "(ScoringTest.java:");
    }
}

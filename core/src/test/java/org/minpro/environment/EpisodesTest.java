package org.minpro.environment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.minpro.data.Message;
import org.minpro.data.Problem;
import org.minpro.reward.HttpReward;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.reward.WeightedReward;
import org.minpro.rollout.Continuation;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.SamplingParams;
import org.minpro.rollout.TurnEnd;
import org.minpro.text.TextException;
import org.minpro.verify.CompletionMarks;

/** Ids are digits, 9 ends a turn, what is said is put as it is between two zeros. */
class EpisodesTest {
    private static final Problem PROBLEM = Problem.of("p", "", "7");
    private static final Reward TEXT_LENGTH =
            (problem, rollout) -> Score.of(rollout.text().length(), rollout.text());
    private static final Speech SPEECH =
            (said, last) -> ids("0" + said.stream().map(Message::content).collect(Collectors.joining()) + "0");

    private static final TurnEnd END = new TurnEnd(SamplingParams.of(60, List.of(9)), EpisodesTest::text);

    private static int[] ids(String digits) {
        return digits.chars().map(digit -> digit - '0').toArray();
    }

    private static String text(int[] ids) {
        return Arrays.stream(ids).mapToObj(String::valueOf).collect(Collectors.joining());
    }

    private static Episodes episodes(Environment environment, TurnLimits limits) {
        return new Episodes(environment, SPEECH, limits, END);
    }

    private static Episodes episodes(Environment environment) {
        return episodes(environment, new TurnLimits());
    }

    private static int[] after(Continuation continuation, int sample, String response) {
        return continuation.after(sample, ids(response)).toCompletableFuture().join();
    }

    /** @param mask y where the policy wrote */
    private static Rollout rollout(int sample, String response, String mask, Rollout.Finish finish) {
        boolean[] written = new boolean[mask.length()];
        for (int t = 0; t < written.length; t++) {
            written[t] = mask.charAt(t) == 'y';
        }
        return new Rollout(
                5,
                sample,
                new int[] {1},
                ids(response),
                written,
                new float[written.length],
                new float[written.length],
                new long[written.length],
                finish,
                response);
    }

    /** Answers the count of turns, with a tenth of it as reward; ends after three. */
    private record Counting(List<Turn> heard, AtomicInteger closed) implements Environment {
        Counting() {
            this(new ArrayList<>(), new AtomicInteger());
        }

        @Override
        public Episode begin(Problem problem, long draw, int sample) {
            return new Episode() {
                private int turns;

                @Override
                public Answer answer(Turn turn) {
                    heard.add(turn);
                    turns++;
                    Answer answer = turns == 3 ? Answer.end() : Answer.says(String.valueOf(turns));
                    return answer.withReward(turns / 10.0);
                }

                @Override
                public Score score(Rollout rollout) {
                    return Score.of(turns, "turns of " + sample);
                }

                @Override
                public void close() {
                    closed.incrementAndGet();
                }
            };
        }
    }

    /** What a found number is worth is the credit of the guess that found it, which has no cost of its own. */
    @Test
    void theOutcomeStandsAtTheEndOfTheLastTurnWhetherOrNotItHasAReward() {
        Environment costly = (problem, draw, sample) -> new Episode() {
            @Override
            public Answer answer(Turn turn) {
                return turn.ordinal() == 2 ? Answer.end() : Answer.says("1").withReward(-0.25);
            }

            @Override
            public Score score(Rollout rollout) {
                return Score.of(1);
            }
        };
        try (Episodes episodes = episodes(costly)) {
            Score score = episodes.reward((problem, rollout) -> Score.of(0), false)
                    .score(PROBLEM, rollout(2, "3490105901069", "yyynnnyynnnyy", Rollout.Finish.STOP));
            assertThat(score.value()).isEqualTo(0.5);
            assertThat(score.steps()).containsExactlyInAnyOrderEntriesOf(Map.of(2, -0.25, 7, -0.25, 12, 1.0));
        }
    }

    @Test
    void anEpisodeHearsEachTurnOnceAndItsRewardsStandAtTheEndsOfTurns() {
        Counting counting = new Counting();
        try (Episodes episodes = episodes(counting)) {
            Continuation continuation = episodes.of(PROBLEM, 5);
            assertThat(after(continuation, 2, "349")).isEqualTo(ids("010"));
            assertThat(after(continuation, 2, "34901059")).isEqualTo(ids("020"));
            assertThat(after(continuation, 2, "3490105902069")).isEmpty();
            assertThat(counting.heard)
                    .containsExactly(
                            new Turn(0, ids("349"), "349"), new Turn(1, ids("59"), "59"), new Turn(2, ids("69"), "69"));
            Score score = episodes.reward(TEXT_LENGTH, false)
                    .score(PROBLEM, rollout(2, "3490105902069", "yyynnnyynnnyy", Rollout.Finish.STOP));
            assertThat(score.reason()).isEqualTo("turns of 2");
            assertThat(score.value()).isEqualTo(3.6);
            assertThat(score.steps()).containsExactlyInAnyOrderEntriesOf(Map.of(2, 0.1, 7, 0.2, 12, 3.3));
            assertThat(counting.closed).hasValue(1);
        }
    }

    @Test
    void aNamedRewardSeesTheLastTurnAlone() {
        try (Episodes episodes = episodes(new Counting())) {
            Continuation continuation = episodes.of(PROBLEM, 5);
            after(continuation, 0, "349");
            Score score = episodes.reward(TEXT_LENGTH, true)
                    .score(PROBLEM, rollout(0, "34901056", "yyynnnyy", Rollout.Finish.LENGTH));
            assertThat(score.reason()).isEqualTo("56");
            assertThat(score.value()).isEqualTo(2.1);
        }
    }

    @Test
    void aStopTextIsNoPartOfItsTurn() {
        Counting counting = new Counting();
        TurnEnd end =
                new TurnEnd(new SamplingParams(1, 0, 1, 0, 60, List.of(), List.of("49"), false), EpisodesTest::text);
        try (Episodes episodes = new Episodes(counting, SPEECH, new TurnLimits(), end)) {
            Continuation continuation = episodes.of(PROBLEM, 5);
            assertThat(after(continuation, 0, "349")).isEqualTo(ids("010"));
            assertThat(after(continuation, 0, "3490105549")).isEqualTo(ids("020"));
            assertThat(counting.heard).extracting(Turn::text).containsExactly("3", "55");
            Score score = episodes.reward(TEXT_LENGTH, true)
                    .score(PROBLEM, rollout(0, "3490105549", "yyynnnyyyy", Rollout.Finish.STOP));
            assertThat(score.reason()).isEqualTo("55");
        }
    }

    @Test
    void theTimeOfServicesIsThatOfTheRewardWithin() {
        Reward judge = new HttpReward(URI.create("http://127.0.0.1:1/"), 120, 1);
        Reward sum = new WeightedReward(Map.of("judge", new WeightedReward.Part(judge)));
        try (Episodes episodes = episodes(new Counting())) {
            Reward reward = episodes.reward(sum, true);
            assertThat(reward.serviceSeconds()).isEqualTo(120);
            assertThat(reward.reading(CompletionMarks.NONE).serviceSeconds()).isEqualTo(120);
            assertThat(reward.described()).isEqualTo("episodes (weighted (http))");
        }
    }

    @Test
    void aJournaledRolloutIsPlayedThroughAgain() {
        try (Episodes episodes = episodes(new Counting())) {
            Reward reward = episodes.reward(TEXT_LENGTH, false);
            Score score = reward.score(PROBLEM, rollout(2, "3490105902069", "yyynnnyynnnyy", Rollout.Finish.STOP));
            assertThat(score.steps()).containsExactlyInAnyOrderEntriesOf(Map.of(2, 0.1, 7, 0.2, 12, 3.3));
            // Cut by the limit of tokens: in what was said, and in a turn.
            assertThat(reward.score(PROBLEM, rollout(2, "34901", "yyynn", Rollout.Finish.LENGTH))
                            .value())
                    .isEqualTo(1.1);
            assertThat(reward.score(PROBLEM, rollout(2, "3490105", "yyynnny", Rollout.Finish.LENGTH))
                            .value())
                    .isEqualTo(1.1);
            // The last token ended the turn: it was heard, and there was no room for the answer.
            assertThat(reward.score(PROBLEM, rollout(2, "349", "yyy", Rollout.Finish.LENGTH))
                            .value())
                    .isEqualTo(1.1);
            assertThat(reward.score(PROBLEM, rollout(2, "34", "yy", Rollout.Finish.LENGTH))
                            .value())
                    .isZero();
            assertThatThrownBy(() -> reward.score(PROBLEM, rollout(2, "3490305", "yyynnny", Rollout.Finish.LENGTH)))
                    .isInstanceOf(EnvironmentException.class)
                    .hasMessage("an environment that is replayable must answer as it did, got: another answer to turn 0"
                            + " of draw 5, sample 2");
        }
        Environment once = new Environment() {
            @Override
            public Episode begin(Problem problem, long draw, int sample) {
                return new Counting().begin(problem, draw, sample);
            }

            @Override
            public boolean replayable() {
                return false;
            }
        };
        try (Episodes episodes = episodes(once)) {
            Reward reward = episodes.reward(TEXT_LENGTH, false);
            assertThat(List.of(
                            rollout(2, "3490105", "yyynnny", Rollout.Finish.LENGTH),
                            rollout(2, "34901", "yyynn", Rollout.Finish.LENGTH),
                            rollout(2, "349", "yyy", Rollout.Finish.LENGTH)))
                    .noneMatch(rollout -> reward.score(PROBLEM, rollout).decided());
            assertThat(reward.score(PROBLEM, rollout(2, "34", "yy", Rollout.Finish.LENGTH))
                            .decided())
                    .isTrue();
        }
    }

    @Test
    void theLastTurnOfTheLimitIsHeardAndNotAnswered() {
        Counting counting = new Counting();
        try (Episodes episodes = episodes(counting, new TurnLimits(2, 30, 4000, false))) {
            Continuation continuation = episodes.of(PROBLEM, 5);
            assertThat(after(continuation, 0, "349")).isEqualTo(ids("010"));
            assertThat(after(continuation, 0, "34901059")).isEmpty();
            assertThat(counting.heard).hasSize(2);
        }
    }

    @Test
    void aLongAnswerIsCutAndSaysSo() {
        List<String> said = new ArrayList<>();
        Environment talkative = (problem, draw, sample) -> turn -> Answer.says("1234567");
        try (Episodes episodes = new Episodes(
                talkative,
                (messages, last) -> {
                    messages.forEach(message -> said.add(message.content()));
                    return new int[] {0};
                },
                new TurnLimits(10, 30, 3, false),
                END)) {
            after(episodes.of(PROBLEM, 5), 0, "349");
        }
        assertThat(said).containsExactly("123… (4 characters more)");
    }

    /** One odd reply of a service concerns one response. */
    @Test
    void whatCannotBePutLeavesItsResponseAloneUndecided() {
        Environment silent = (problem, draw, sample) -> turn -> Answer.says(sample == 0 ? "" : "1");
        Speech plain = (said, last) -> {
            if (said.getFirst().content().isEmpty()) {
                throw new TextException("a text of at least one token, got: ''");
            }
            return SPEECH.ids(said, last);
        };
        try (Episodes episodes = new Episodes(silent, plain, new TurnLimits(), END)) {
            Continuation continuation = episodes.of(PROBLEM, 5);
            assertThat(after(continuation, 0, "349")).isEmpty();
            assertThat(after(continuation, 1, "349")).isEqualTo(ids("010"));
            assertThatThrownBy(() -> episodes.reward(TEXT_LENGTH, false)
                            .score(PROBLEM, rollout(0, "349", "yyy", Rollout.Finish.STOP)))
                    .isInstanceOf(EnvironmentException.class)
                    .hasMessageContaining("a text of at least one token");
        }
    }

    @Test
    void anEnvironmentThatFailsOrHangsEndsItsEpisodeUndecided() throws InterruptedException {
        CountDownLatch interrupted = new CountDownLatch(1);
        Environment bad = (problem, draw, sample) -> turn -> {
            if (sample == 0) {
                throw new IllegalStateException("no board");
            }
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                interrupted.countDown();
            }
            return Answer.end();
        };
        try (Episodes episodes = episodes(bad, new TurnLimits(10, 0.05, 4000, false))) {
            Continuation continuation = episodes.of(PROBLEM, 5);
            Reward reward = episodes.reward(TEXT_LENGTH, false);
            assertThat(after(continuation, 0, "349")).isEmpty();
            assertThat(after(continuation, 1, "349")).isEmpty();
            interrupted.await();
            assertThatThrownBy(() -> reward.score(PROBLEM, rollout(0, "349", "yyy", Rollout.Finish.STOP)))
                    .isInstanceOf(EnvironmentException.class)
                    .hasMessageContaining("no board")
                    .hasCauseInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> reward.score(PROBLEM, rollout(1, "349", "yyy", Rollout.Finish.STOP)))
                    .isInstanceOf(EnvironmentException.class)
                    .hasMessageContaining("took longer than turns.answer-seconds (0.05)");
        }
    }
}

package org.minpro.environment;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.minpro.data.Message;
import org.minpro.data.Problem;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.rollout.Continuation;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.TurnEnd;
import org.minpro.rollout.TurnSpan;
import org.minpro.verify.CompletionMarks;

/**
 * The episodes of a run: lets an environment answer the turns of rollouts that are being sampled, and scores those that have
 * ended.
 *
 * <p>Answers are made by threads of their own, so a slow environment holds up nobody but the responses that wait for it. An
 * environment that fails, or takes too long, ends its episode; the rollout is then undecided.
 */
public final class Episodes implements AutoCloseable {
    private final Environment environment;
    private final Speech speech;
    private final TurnLimits limits;
    private final TurnEnd end;
    private final Map<Long, Map<Integer, Live>> live = new ConcurrentHashMap<>();
    private final ExecutorService threads = Executors.newCachedThreadPool(daemons("minpro-environment"));
    private final ScheduledThreadPoolExecutor clock =
            new ScheduledThreadPoolExecutor(1, daemons("minpro-environment-clock"));

    /**
     * @param speech puts what the environment says to the policy
     * @param limits of every episode
     * @param end of the policy's turns, as its sampler ends them
     */
    public Episodes(Environment environment, Speech speech, TurnLimits limits, TurnEnd end) {
        this.environment = environment;
        this.speech = speech;
        this.limits = limits;
        this.end = end;
        clock.setRemoveOnCancelPolicy(true);
    }

    private static ThreadFactory daemons(String name) {
        return task -> {
            Thread thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        };
    }

    /**
     * What answers the responses to a problem.
     *
     * @param draw ordinal of their group; episodes of an earlier generation of the same draw are over
     */
    public Continuation of(Problem problem, long draw) {
        Map<Integer, Live> ofDraw = new ConcurrentHashMap<>();
        Map<Integer, Live> before = live.put(draw, ofDraw);
        if (before != null) {
            before.values().forEach(Live::close);
        }
        return (sample, responseIds) ->
                answer(ofDraw.computeIfAbsent(sample, key -> new Live(problem, draw, sample)), responseIds);
    }

    private CompletableFuture<int[]> answer(Live episode, int[] responseIds) {
        CompletableFuture<int[]> answer = new CompletableFuture<>();
        AtomicBoolean settled = new AtomicBoolean();
        Future<?> call = threads.submit(() -> {
            int[] ids = new int[0];
            Throwable fatal = null;
            Throwable failure = null;
            try {
                ids = episode.answer(responseIds);
            } catch (RuntimeException | StackOverflowError | LinkageError e) {
                failure = e;
            } catch (Throwable e) {
                fatal = e;
            }
            if (settled.compareAndSet(false, true)) {
                episode.failure = failure;
                if (fatal == null) {
                    answer.complete(ids);
                } else {
                    answer.completeExceptionally(fatal);
                }
            } else {
                episode.closeNow();
            }
        });
        ScheduledFuture<?> alarm = clock.schedule(
                () -> {
                    if (settled.compareAndSet(false, true)) {
                        episode.failure = new TimeoutException("the environment took longer than turns.answer-seconds ("
                                + limits.answerSeconds() + ") to answer a turn");
                        episode.abandoned = true;
                        call.cancel(true);
                        answer.complete(new int[0]);
                    }
                },
                (long) (limits.answerSeconds() * 1e9),
                TimeUnit.NANOSECONDS);
        return answer.whenComplete((ids, thrown) -> alarm.cancel(false));
    }

    /**
     * A reward that scores a rollout by its episode, and adds the rewards of its turns. A rollout whose episode is not under way,
     * such as one of a journal, is played through again where the environment is replayable.
     *
     * @param otherwise scores the last turn where the episode leaves it to the recipe's reward
     * @param always whether {@code otherwise} scores even where the episode has a score of its own
     */
    public Reward reward(Reward otherwise, boolean always) {
        return new EpisodeReward(otherwise, always);
    }

    /** Asks the episode, and else the recipe's reward. */
    private final class EpisodeReward implements Reward {
        private final Reward otherwise;
        private final boolean always;

        EpisodeReward(Reward otherwise, boolean always) {
            this.otherwise = otherwise;
            this.always = always;
        }

        @Override
        public Score score(Problem problem, Rollout rollout) {
            return Episodes.this.score(problem, rollout, otherwise, always);
        }

        @Override
        public Reward reading(CompletionMarks marks) {
            return new EpisodeReward(otherwise.reading(marks), always);
        }

        @Override
        public List<String> notices() {
            return otherwise.notices();
        }

        @Override
        public double serviceSeconds() {
            return otherwise.serviceSeconds();
        }

        @Override
        public void close() {
            otherwise.close();
        }

        @Override
        public String described() {
            return "episodes (" + otherwise.described() + ")";
        }
    }

    private Score score(Problem problem, Rollout rollout, Reward otherwise, boolean always) {
        Map<Integer, Live> ofDraw = live.get(rollout.draw());
        Live underWay = ofDraw == null ? null : ofDraw.remove(rollout.sample());
        List<TurnSpan> turns = TurnSpan.of(rollout.responseMask());
        boolean begins = turns.size() == 1 && !wasHeard(rollout, turns.getFirst());
        if (underWay == null && !begins && !environment.replayable()) {
            return Score.undecided("the episode is over, and its environment cannot be played through again");
        }
        try (Live episode = underWay == null ? new Live(problem, rollout.draw(), rollout.sample()) : underWay) {
            if (underWay == null) {
                replay(episode, rollout, turns);
            }
            if (episode.failure != null) {
                throw new EnvironmentException(
                        "the environment failed in turn " + episode.turns + ": " + episode.failure, episode.failure);
            }
            Score outcome = always ? null : episode.begun().score(rollout);
            if (outcome == null) {
                outcome = otherwise.score(problem, rollout.withText(lastTurn(rollout, turns)));
            }
            return episode.withRewards(
                    outcome, turns.isEmpty() ? -1 : turns.getLast().to() - 1);
        }
    }

    private String lastTurn(Rollout rollout, List<TurnSpan> turns) {
        if (turns.size() < 2) {
            return rollout.text();
        }
        TurnSpan last = turns.getLast();
        return end.textOf(Arrays.copyOfRange(rollout.responseIds(), last.from(), last.to()));
    }

    /** Whether the environment was asked what follows a turn, rather than the limit of tokens having cut it off. */
    private boolean wasHeard(Rollout rollout, TurnSpan turn) {
        return rollout.finish() == Rollout.Finish.STOP
                || turn.to() < rollout.length()
                || end.isAt(rollout.responseIds(), turn.to());
    }

    private void replay(Live episode, Rollout rollout, List<TurnSpan> turns) {
        for (int i = 0; i < turns.size(); i++) {
            TurnSpan turn = turns.get(i);
            if (!wasHeard(rollout, turn)) {
                return;
            }
            boolean last = i == turns.size() - 1;
            int next = last ? rollout.length() : turns.get(i + 1).from();
            int[] said = episode.answer(Arrays.copyOf(rollout.responseIds(), turn.to()));
            int[] journaled = Arrays.copyOfRange(rollout.responseIds(), turn.to(), next);
            // The limit of tokens may have cut what was said last.
            if (!Arrays.equals(last ? Arrays.copyOf(said, Math.min(said.length, journaled.length)) : said, journaled)) {
                throw new EnvironmentException(
                        "an environment that is replayable must answer as it did, got: another" + " answer to turn " + i
                                + " of draw " + rollout.draw() + ", sample " + rollout.sample(),
                        null);
            }
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
        clock.shutdownNow();
        live.values().forEach(ofDraw -> ofDraw.values().forEach(Live::close));
        live.clear();
    }

    /** An episode under way: used by one thread after the other. */
    private final class Live implements AutoCloseable {
        private final Problem problem;
        private final long draw;
        private final int sample;
        /** Rewards of turns, by their last token. */
        private final SortedMap<Integer, Double> rewards = new TreeMap<>();

        private @Nullable Episode episode;
        private int turns;
        private int heard;
        private volatile @Nullable Throwable failure;
        /** Whether the thread that was answering has been given up; it frees the episode when it comes back. */
        private volatile boolean abandoned;

        private boolean closed;

        Live(Problem problem, long draw, int sample) {
            this.problem = problem;
            this.draw = draw;
            this.sample = sample;
        }

        synchronized Episode begun() {
            if (episode == null) {
                episode = environment.begin(problem, draw, sample);
            }
            return episode;
        }

        /** What follows the policy's turn at the end of the ids; none where the episode has ended. */
        synchronized int[] answer(int[] responseIds) {
            int[] ids = Arrays.copyOfRange(responseIds, heard, responseIds.length);
            Answer answer = begun().answer(new Turn(turns, ids, end.textOf(ids)));
            turns++;
            if (answer.reward() != null) {
                rewards.put(responseIds.length - 1, answer.reward());
            }
            if (answer.messages().isEmpty() || turns >= limits.most()) {
                return new int[0];
            }
            int[] said =
                    speech.ids(answer.messages().stream().map(this::cut).toList(), responseIds[responseIds.length - 1]);
            heard = responseIds.length + said.length;
            return said;
        }

        private Message cut(Message message) {
            String content = SpokenText.cut(message.content(), limits.answerCharacters());
            return content.equals(message.content()) ? message : message.withContent(content);
        }

        /** @param last the last token that the policy wrote: the outcome of the episode is earned there */
        Score withRewards(Score score, int last) {
            Map<String, Double> parts = new TreeMap<>(score.parts());
            parts.putAll(begun().parts());
            Score outcome = new Score(score.decided(), score.value(), parts, score.reason(), score.steps());
            if (rewards.isEmpty() || !outcome.decided()) {
                return outcome;
            }
            SortedMap<Integer, Double> steps = new TreeMap<>(rewards);
            double sum =
                    rewards.values().stream().mapToDouble(Double::doubleValue).sum();
            if (outcome.steps().isEmpty()) {
                steps.merge(last, outcome.value(), Double::sum);
            } else {
                outcome.steps().forEach((token, value) -> steps.merge(token, value, Double::sum));
            }
            return new Score(true, outcome.value() + sum, outcome.parts(), outcome.reason(), steps);
        }

        @Override
        public void close() {
            if (!abandoned) {
                closeNow();
            }
        }

        synchronized void closeNow() {
            if (!closed) {
                closed = true;
                if (episode != null) {
                    episode.close();
                }
            }
        }
    }
}

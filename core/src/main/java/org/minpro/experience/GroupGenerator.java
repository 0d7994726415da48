package org.minpro.experience;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.minpro.data.Problem;
import org.minpro.dist.Collectives;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutEngine;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;

/**
 * Has problems answered, each response scored and journaled; what the journal has is not generated again.
 *
 * <p>Responses are scored beside the sampling ({@link Scoring}) and journaled in the order in which they ended; those of other
 * processes once all have ended.
 */
public final class GroupGenerator {
    private final RolloutEngine engine;
    private final Scoring scoring;
    private final Journal journal;
    private final Continuations continuations;
    private final ResponseExchange exchange;

    /**
     * @param continuations what follows the turns of responses
     * @param ranks who share the responses out, generate and score each its own, and bring them to all
     */
    public GroupGenerator(
            RolloutEngine engine, Scoring scoring, Journal journal, Continuations continuations, Collectives ranks) {
        this.continuations = continuations;
        this.engine = engine;
        this.scoring = scoring;
        this.journal = journal;
        this.exchange = new ResponseExchange(ranks);
    }

    /**
     * Generates what is missing.
     *
     * @param iteration stored with each rollout
     * @param problems the problem of each request, in the order of the groups wanted
     * @param finished told of each response that is generated now, once it is journaled, one at a time, from any thread
     * @return a group for each request, in their order, whether generated now or journaled before
     */
    public List<ScoredGroup> generate(
            long iteration,
            SequencedMap<RolloutRequest, Problem> problems,
            SamplingParams params,
            Consumer<Rollout> finished) {
        Map<Long, Problem> problemOf = new LinkedHashMap<>();
        Map<Long, Entries> entriesOf = new LinkedHashMap<>();
        List<RolloutRequest> missing = new ArrayList<>();
        problems.forEach((request, problem) -> {
            Entries entries = new Entries(request);
            problemOf.put(request.draw(), problem);
            entriesOf.put(request.draw(), entries);
            int[] samples = entries.fill(journal);
            if (samples.length > 0) {
                missing.add(request.only(samples).continued(continuations.of(problem, request.draw())));
            }
        });
        List<RolloutRequest> mine = exchange.share(missing);
        int responses =
                mine.stream().mapToInt(request -> request.samples().length).sum();
        Consumer<Journal.Entry> done = entry -> {
            Rollout rollout = entry.rollout();
            journal.append(iteration, Objects.requireNonNull(problemOf.get(rollout.draw())), rollout, entry.score());
            Objects.requireNonNull(entriesOf.get(rollout.draw())).put(entry);
            finished.accept(rollout);
        };
        exchange.run(done, own -> {
            Scoring.Queue queue =
                    scoring.queue(responses, scored -> own.accept(new Journal.Entry(scored.rollout(), scored.score())));
            try {
                engine.generate(
                        mine,
                        params,
                        rollout -> queue.add(Objects.requireNonNull(problemOf.get(rollout.draw())), rollout));
            } finally {
                queue.await();
            }
        });
        List<ScoredGroup> groups = new ArrayList<>();
        problems.forEach((request, problem) ->
                groups.add(Objects.requireNonNull(entriesOf.get(request.draw())).group(problem)));
        return groups;
    }

    /** Tells the other ranks, who may wait for this one's responses, that it gives none any more. */
    void leave() {
        exchange.leave();
    }

    /** Ends what is under way, for good; from any thread. */
    void cancel() {
        engine.cancel();
        scoring.cancel();
    }

    /** The responses to one request as they come in; each is written by one thread and read after all have ended. */
    private static final class Entries {
        private final RolloutRequest request;
        private final Map<Integer, Journal.Entry> bySample = new ConcurrentHashMap<>();

        Entries(RolloutRequest request) {
            this.request = request;
        }

        /** Takes what the journal has; returns the samples that it has not. */
        int[] fill(Journal journal) {
            return Arrays.stream(request.samples())
                    .filter(sample -> {
                        journal.find(request.draw(), sample).ifPresent(entry -> {
                            entry.requirePrompt(request.promptIds());
                            put(entry);
                        });
                        return !bySample.containsKey(sample);
                    })
                    .toArray();
        }

        void put(Journal.Entry entry) {
            bySample.put(entry.rollout().sample(), entry);
        }

        ScoredGroup group(Problem problem) {
            List<Rollout> rollouts = new ArrayList<>();
            List<Score> scores = new ArrayList<>();
            for (int sample : request.samples()) {
                Journal.Entry entry = Objects.requireNonNull(bySample.get(sample));
                rollouts.add(entry.rollout());
                scores.add(entry.score());
            }
            return new ScoredGroup(request.draw(), problem, rollouts, scores);
        }
    }
}

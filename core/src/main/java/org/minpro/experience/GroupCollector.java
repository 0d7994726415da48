package org.minpro.experience;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.minpro.advantage.Advantage;
import org.minpro.data.Problem;
import org.minpro.data.ProblemSource;
import org.minpro.dist.Collectives;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutEngine;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;

/**
 * The rollout phase of an iteration: takes draws, has their prompts continued, scores and journals the responses.
 *
 * <p>Where the advantages are relative to a greedy response, one is sampled beside each group, as the sample after its last.
 *
 * <p>A draw whose prompt is too long is skipped and counted. Where it is asked for, a group whose rewards are all equal
 * is put aside and another draw is taken, until a limit. What the journal has is not generated again.
 */
public final class GroupCollector {
    /**
     * What an iteration collects.
     *
     * @param groups problems sampled in an iteration, as a rule
     * @param groupSize responses to each problem
     * @param maxPromptTokens longer prompts are skipped
     * @param resampleLimit groups without any difference in reward that are replaced in an iteration, at most; 0 for none
     * @param sampling how tokens are drawn
     * @param advantage tells which groups have no difference
     */
    public record Settings(
            int groups,
            int groupSize,
            int maxPromptTokens,
            int resampleLimit,
            SamplingParams sampling,
            Advantage advantage) {}

    private final GroupGenerator generator;
    private final Journal journal;
    private final ProblemSource problems;
    private final PromptEncoder prompts;
    private final Advantage advantage;
    private final Settings settings;
    private final SamplingParams sampling;

    /** @param ranks who share the responses out */
    public GroupCollector(
            RolloutEngine engine,
            ProblemSource problems,
            PromptEncoder prompts,
            Scoring scoring,
            Journal journal,
            Continuations continuations,
            Settings settings,
            Collectives ranks) {
        this.generator = new GroupGenerator(engine, scoring, journal, continuations, ranks);
        this.journal = journal;
        this.problems = problems;
        this.prompts = prompts;
        this.advantage = settings.advantage();
        this.settings = settings;
        this.sampling = settings.sampling();
    }

    /**
     * @param groups of this iteration
     * @param nextDraw the first draw that was not taken
     * @param skipped draws whose prompt was too long
     * @param resampled groups put aside because all their rewards were equal
     */
    public record Collected(List<ScoredGroup> groups, long nextDraw, int skipped, int resampled) {}

    /** Problems sampled in an iteration, as a rule. */
    int groups() {
        return settings.groups();
    }

    /** Ends what is under way, for good; from any thread. */
    void cancel() {
        generator.cancel();
    }

    /** Tells the other ranks that this one collects nothing any more. */
    void leave() {
        generator.leave();
    }

    /** @param groups to collect; where a run's iterations differ in it, those of this one */
    Collected collect(long iteration, long firstDraw, int groups, Consumer<Rollout> finished) {
        List<ScoredGroup> kept = new ArrayList<>();
        long draw = firstDraw;
        int skipped = 0;
        int resampled = 0;
        int limit = settings.resampleLimit();
        while (kept.size() < groups) {
            SequencedMap<RolloutRequest, Problem> requests = new LinkedHashMap<>();
            while (requests.size() < groups - kept.size()) {
                Problem problem = problems.problem(draw);
                int[] prompt = prompts.encode(problem);
                if (prompt.length > settings.maxPromptTokens()) {
                    skipped++;
                    if (skipped > groups * 1000L) {
                        throw new IllegalArgumentException("prompts.max-tokens must leave some problems, got: "
                                + settings.maxPromptTokens() + ", and " + skipped + " prompts in a row are longer");
                    }
                } else {
                    requests.put(RolloutRequest.of(draw, prompt, settings.groupSize()), problem);
                }
                draw++;
            }
            for (ScoredGroup group : generated(iteration, requests, finished)) {
                if (limit > resampled && !advantage.tellsApart(group.scores())) {
                    resampled++;
                } else {
                    kept.add(group);
                }
            }
        }
        return new Collected(kept, draw, skipped, resampled);
    }

    private List<ScoredGroup> generated(
            long iteration, SequencedMap<RolloutRequest, Problem> requests, Consumer<Rollout> finished) {
        List<ScoredGroup> groups = generator.generate(iteration, requests, sampling, finished);
        if (!advantage.readsGreedy()) {
            return groups;
        }
        SequencedMap<RolloutRequest, Problem> greedy = new LinkedHashMap<>();
        requests.forEach((request, problem) -> greedy.put(request.only(settings.groupSize()), problem));
        List<ScoredGroup> baselines = generator.generate(iteration, greedy, sampling.withGreedy(true), finished);
        return IntStream.range(0, groups.size())
                .mapToObj(
                        g -> groups.get(g).withGreedy(baselines.get(g).scores().getFirst()))
                .toList();
    }

    /**
     * The group of a draw that the journal has whole.
     *
     * @throws IllegalStateException if it has not, or has responses to another prompt
     */
    ScoredGroup journaled(long draw) {
        Problem problem = problems.problem(draw);
        int[] prompt = prompts.encode(problem);
        List<Rollout> rollouts = new ArrayList<>();
        List<Score> scores = new ArrayList<>();
        for (int sample = 0; sample < settings.groupSize(); sample++) {
            Journal.Entry entry = journaled(draw, sample, prompt);
            rollouts.add(entry.rollout());
            scores.add(entry.score());
        }
        ScoredGroup group = new ScoredGroup(draw, problem, rollouts, scores);
        return advantage.readsGreedy()
                ? group.withGreedy(journaled(draw, settings.groupSize(), prompt).score())
                : group;
    }

    private Journal.Entry journaled(long draw, int sample, int[] prompt) {
        Journal.Entry entry = journal.find(draw, sample)
                .orElseThrow(() -> new IllegalStateException(
                        "the journal must have every rollout that waits to be trained on, got: none of draw " + draw
                                + ", sample " + sample + "; group-size (" + settings.groupSize()
                                + ") must be the one that the run began with, and the journal whole"));
        entry.requirePrompt(prompt);
        return entry;
    }
}

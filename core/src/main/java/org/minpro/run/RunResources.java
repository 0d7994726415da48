package org.minpro.run;

import org.jspecify.annotations.Nullable;
import org.minpro.data.ProblemSource;
import org.minpro.dist.Ranks;
import org.minpro.experience.Continuations;
import org.minpro.experience.PromptEncoder;
import org.minpro.experience.Scoring;
import org.minpro.model.ModelConfig;
import org.minpro.rollout.Rescored;
import org.minpro.rollout.RolloutEngine;
import org.minpro.tensor.Workers;
import org.minpro.train.Policy;

/**
 * What a run of reinforcement learning works with, beside its recipe; opened and closed by whoever made it.
 *
 * @param policy that is trained
 * @param engine that samples from its versions; where that goes on beside the updates, with workers of its own
 * @param problems drawn from without end
 * @param prompts make a problem's token ids
 * @param continuations what follows the turns of responses
 * @param scoring scores responses
 * @param model whose ids end a response, and whose positions it ends within
 * @param workers that compute
 * @param reference that the policy is kept near, or null where the recipe has none
 * @param rescored log-probabilities that were computed again while sampling, or null where the engine samples with the
 *     trainer's own module
 * @param ranks the processes of the run
 */
public record RunResources(
        Policy policy,
        RolloutEngine engine,
        ProblemSource problems,
        PromptEncoder prompts,
        Continuations continuations,
        Scoring scoring,
        ModelConfig model,
        Workers workers,
        @Nullable ReferenceModel reference,
        @Nullable Rescored rescored,
        Ranks ranks) {
    /** Sampling with the trainer's own module, in a run of one process. */
    public RunResources(
            Policy policy,
            RolloutEngine engine,
            ProblemSource problems,
            PromptEncoder prompts,
            Continuations continuations,
            Scoring scoring,
            ModelConfig model,
            Workers workers,
            @Nullable ReferenceModel reference) {
        this(policy, engine, problems, prompts, continuations, scoring, model, workers, reference, null, Ranks.alone());
    }

    /** Of responses of one turn, without a reference model. */
    public RunResources(
            Policy policy,
            RolloutEngine engine,
            ProblemSource problems,
            PromptEncoder prompts,
            Scoring scoring,
            ModelConfig model,
            Workers workers) {
        this(policy, engine, problems, prompts, Continuations.NONE, scoring, model, workers, null);
    }
}

package org.minpro.model;

import org.jspecify.annotations.Nullable;

/**
 * How a model's makers sample from it, as {@code generation_config.json} says; null where it says nothing.
 *
 * @param sample whether to sample at all, or to decode greedily
 * @param temperature divides the logits
 * @param topK number of most probable tokens kept
 * @param topP smallest set of most probable tokens kept whose probability reaches it
 * @param minP tokens kept whose probability is at least this share of the most probable one's
 */
public record GenerationDefaults(
        @Nullable Boolean sample,
        @Nullable Double temperature,
        @Nullable Integer topK,
        @Nullable Double topP,
        @Nullable Double minP) {}

package org.minpro.experience;

import org.minpro.data.Problem;

/** Makes the token ids of a problem's prompt, once. */
@FunctionalInterface
public interface PromptEncoder {
    int[] encode(Problem problem);

    /** The text that the ids stand for, for people: the problem's own where the encoder has no other. */
    default String text(Problem problem) {
        return problem.identity();
    }
}

package org.minpro.experience;

import org.minpro.data.Problem;

/** Makes the token ids of a problem's prompt, once. */
@FunctionalInterface
public interface PromptEncoder {
    int[] encode(Problem problem);
}

package org.minpro.verify;

import org.jspecify.annotations.Nullable;

/**
 * The part of a completion in which its answer is looked for.
 *
 * @param text the part; empty where the completion ends inside its thinking
 * @param beyond the part with a question that follows it, where that may be the question that was asked, told again,
 *     because the text before it marks no answer; else null
 */
record JudgedPart(String text, @Nullable String beyond) {
    static final JudgedPart NOTHING = new JudgedPart("", null);
}

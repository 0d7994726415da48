package org.minpro.verify;

/**
 * A piece of a completion that may be its answer.
 *
 * @param text the piece without its marks
 * @param policy where it was found
 */
public record ExtractedAnswer(String text, ExtractionPolicy policy) {}

package org.minpro.verify;

import java.util.List;

/**
 * A piece of a text that may state its answer.
 *
 * @param text the piece without its marks
 * @param start where it begins in the text
 * @param end where it ends
 * @param rivals other pieces that stand with the same right, in order: then it is one of several answers
 */
record Piece(String text, int start, int end, List<String> rivals) {
    Piece(String text, int start, int end) {
        this(text, start, end, List.of());
    }
}

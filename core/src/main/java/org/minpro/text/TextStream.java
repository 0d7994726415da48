package org.minpro.text;

import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * The text of a response in pieces, as its tokens come. A token may be a part of a character: its piece waits for the rest.
 * The pieces joined are the text of all ids.
 *
 * <p>Each step decodes a few of the last tokens, so the cost of a response is linear in its length. For one response and
 * one thread at a time.
 */
public final class TextStream {
    /** What bytes that are no UTF-8, or not yet, are decoded to. */
    private static final char INCOMPLETE = '\uFFFD';

    private final Function<int[], String> decode;
    private final Consumer<String> piece;
    private final StringBuilder told = new StringBuilder();
    private int[] ids = new int[64];
    private int length;
    /** Tokens before this one are told and no longer decoded; those up to {@link #read} are told, and give the context. */
    private int context;

    private int read;

    /**
     * @param decode the text of ids, without special tokens
     * @param piece told of each piece, never empty
     */
    public TextStream(Function<int[], String> decode, Consumer<String> piece) {
        this.decode = decode;
        this.piece = piece;
    }

    /** Adds a token. */
    public void add(int id) {
        if (length == ids.length) {
            ids = Arrays.copyOf(ids, 2 * length);
        }
        ids[length++] = id;
        // A decoder treats the first token in its own way (a blank is left out), so some told ones stand before.
        String before = decode.apply(Arrays.copyOfRange(ids, context, read));
        String with = decode.apply(Arrays.copyOfRange(ids, context, length));
        if (with.length() <= before.length()
                || with.charAt(with.length() - 1) == INCOMPLETE
                || !with.startsWith(before)) {
            return;
        }
        tell(with.substring(before.length()));
        context = read;
        read = length;
    }

    /**
     * Ends the response: what still waited is told.
     *
     * @param text of the whole response
     */
    public void end(String text) {
        if (text.length() > told.length() && text.startsWith(told.toString())) {
            tell(text.substring(told.length()));
        }
    }

    private void tell(String text) {
        told.append(text);
        piece.accept(text);
    }
}

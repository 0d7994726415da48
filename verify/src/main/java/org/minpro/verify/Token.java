package org.minpro.verify;

/**
 * A lexical unit of an answer.
 *
 * @param type what it is
 * @param text its text: a command without its backslash, a number without thousands separators
 * @param spaced whether space stands before it
 */
record Token(Type type, String text, boolean spaced) {
    enum Type {
        NUMBER,
        LETTER,
        /** A run of plain letters that is a word or a name, not a product. */
        WORD,
        /** The content of {@code \text{…}} and its relatives. */
        TEXT,
        COMMAND,
        SIGN,
        END
    }

    boolean is(Type wanted, String wantedText) {
        return type == wanted && text.equals(wantedText);
    }

    boolean isSign(String sign) {
        return is(Type.SIGN, sign);
    }

    boolean isCommand(String command) {
        return is(Type.COMMAND, command);
    }
}

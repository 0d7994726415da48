package org.minpro.model;

import java.nio.file.Path;

/** A model folder or file that cannot be read as what it claims to be; the message is one line that names the file. */
public final class ModelFormatException extends RuntimeException {
    public ModelFormatException(Path file, String problem) {
        super(oneLine(file + ": " + problem));
    }

    public ModelFormatException(Path file, String problem, Throwable cause) {
        super(oneLine(file + ": " + problem), cause);
    }

    // Names and values come from files that anybody may have written.
    private static String oneLine(String text) {
        StringBuilder line = new StringBuilder(text.length());
        text.codePoints()
                .forEach(c -> line.appendCodePoint(Character.isISOControl(c) || c == 0x2028 || c == 0x2029 ? ' ' : c));
        return line.toString();
    }
}

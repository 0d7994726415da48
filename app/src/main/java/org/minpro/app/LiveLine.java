package org.minpro.app;

import java.util.function.LongSupplier;

/**
 * The line that shows how far a command is: written over on a terminal; elsewhere (a file, a CI log) a plain line for each
 * step, and in between at most one every ten seconds.
 *
 * <p>On a terminal the line is cut to the window's width and the cursor waits at its beginning. When the window becomes
 * narrower, a terminal may break the line in two; all of it is then below the cursor, and the next line clears that.
 */
final class LiveLine implements AutoCloseable {
    private static final long QUIET_NANOS = 10_000_000_000L;
    private static final long REDRAW_NANOS = 100_000_000L;
    /** To the end of the screen: a window made narrower breaks the line in two. */
    private static final String CLEAR = "\r\u001b[J";
    /** A terminal cuts what does not fit instead of beginning a new line. */
    private static final String NO_WRAP = "\u001b[?7l";

    private static final String WRAP = "\u001b[?7h";

    private final Console console;
    private final LongSupplier clock;
    private long shown;
    private String text = "";

    LiveLine(Console console) {
        this(console, System::nanoTime);
    }

    LiveLine(Console console, LongSupplier clock) {
        this.console = console;
        this.clock = clock;
        shown = clock.getAsLong();
    }

    /** Shows a passing state; from any thread. */
    synchronized void show(String newText) {
        long now = clock.getAsLong();
        if (console.terminal()) {
            if (text.isEmpty() || now - shown >= REDRAW_NANOS) {
                shown = now;
                draw(newText);
            }
        } else if (now - shown >= QUIET_NANOS) {
            shown = now;
            console.say(newText);
        }
    }

    /** Says something that stays, above the line. */
    synchronized void say(String line) {
        shown = clock.getAsLong();
        if (text.isEmpty()) {
            console.say(line);
            return;
        }
        console.say(CLEAR + line);
        draw(text);
    }

    private void draw(String newText) {
        text = newText;
        // One column stays free: with a character in the last one, terminals differ in where the cursor is.
        String line =
                DisplayText.fit(DisplayText.visible(newText), console.width().getAsInt() - 1);
        console.err().print(CLEAR + NO_WRAP + line + WRAP + "\r");
        console.err().flush();
    }

    /** Removes the line. */
    @Override
    public synchronized void close() {
        if (!text.isEmpty()) {
            text = "";
            console.err().print(CLEAR);
            console.err().flush();
        }
    }
}

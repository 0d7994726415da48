package org.minpro.app;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;

/**
 * How many columns the terminal has now. Java does not say, so {@code stty} is asked, at most once a second: that takes
 * milliseconds, and a window may be resized at any time.
 */
final class TerminalWidth implements IntSupplier {
    /** The width of a terminal that does not say. */
    static final int USUAL = 80;

    private static final File TERMINAL = new File("/dev/tty");
    private static final long VALID_NANOS = 1_000_000_000L;

    private int columns;
    private long asked;

    @Override
    public synchronized int getAsInt() {
        long now = System.nanoTime();
        if (columns == 0 || now - asked >= VALID_NANOS) {
            columns = ask();
            asked = now;
        }
        return columns;
    }

    private static int ask() {
        if (TERMINAL.exists()) {
            try {
                Process stty = new ProcessBuilder("stty", "size")
                        .redirectInput(TERMINAL)
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start();
                // rows columns; "0 0" where nobody has set them
                String said = new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
                if (stty.waitFor(1, TimeUnit.SECONDS) && said.matches("\\d{1,4} [1-9]\\d{0,3}")) {
                    return Integer.parseInt(said.substring(said.indexOf(' ') + 1));
                }
            } catch (IOException e) {
                // There is no such program, as on Windows.
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        String named = System.getenv("COLUMNS");
        return named != null && named.matches("[1-9]\\d{0,3}") ? Integer.parseInt(named) : USUAL;
    }
}

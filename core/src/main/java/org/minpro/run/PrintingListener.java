package org.minpro.run;

import java.io.PrintStream;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Prints every notice, and one line for each iteration: what a program sees that sets no listener of its own. */
public final class PrintingListener implements RunListener {
    private final PrintStream out;

    /** Prints to {@code System.err}. */
    public PrintingListener() {
        this(System.err);
    }

    /** @param out where it prints */
    public PrintingListener(PrintStream out) {
        this.out = out;
    }

    @Override
    public void iterationFinished(IterationReport report) {
        Map<String, Double> metrics = report.metrics().named();
        out.println("iteration " + (report.iteration() + 1)
                + part("  reward %.3f", metrics.get("reward"))
                + part("  accuracy %.3f", metrics.get("accuracy"))
                + part("  undecided %.3f", metrics.get("undecided"))
                + part("  entropy %.3f", metrics.get("entropy"))
                + part("  age %.1f", metrics.get("age/mean"))
                + String.format(Locale.ROOT, "  %.1f s", report.samplingSeconds() + report.trainingSeconds()));
    }

    private static String part(String format, @Nullable Double value) {
        return value == null ? "" : String.format(Locale.ROOT, format, value);
    }

    @Override
    public void notice(String line) {
        out.println(line);
    }
}

package org.minpro.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.minpro.experience.RewardFailure;

/** The failures of a run's reward: each kind is kept once in the run's folder, with its trace and the response. */
final class RewardFailures implements Consumer<RewardFailure> {
    /** Kinds that are kept: a message may name what it failed on, so each response may make one. */
    private static final int KINDS = 20;

    private final Path file;
    private final RunListener listener;
    private final Map<String, Integer> counts = new LinkedHashMap<>();
    private int all;

    RewardFailures(Path file, RunListener listener) {
        this.file = file;
        this.listener = listener;
    }

    @Override
    public synchronized void accept(RewardFailure failure) {
        all++;
        String kind = kind(failure);
        if (counts.containsKey(kind) || counts.size() < KINDS) {
            if (counts.merge(kind, 1, Integer::sum) == 1) {
                append("== " + failure.where() + "\n" + failure.trace() + "\n-- response\n"
                        + failure.rollout().text() + "\n");
                listener.notice("warning: " + failure.reason() + " (" + failure.where() + "); it is undecided, and "
                        + file + " has the trace and the response");
            }
        }
        listener.rewardFailed(failure);
    }

    /** What failed and where, without the words that differ from response to response. */
    private static String kind(RewardFailure failure) {
        Throwable cause = failure.cause();
        StackTraceElement[] trace = cause.getStackTrace();
        return cause.getClass().getName() + (trace.length == 0 ? ": " + failure.what() : " at " + trace[0]);
    }

    /** How often the reward failed since the run was opened; nothing where it was once at most. */
    synchronized void summarise() {
        if (all < 2) {
            return;
        }
        StringBuilder text = new StringBuilder("== " + all + " failures in all\n");
        counts.forEach(
                (kind, count) -> text.append(count).append("  ").append(kind).append('\n'));
        append(text.toString());
        listener.notice("the reward failed on " + all + " responses: " + file);
    }

    private void append(String text) {
        try {
            Files.writeString(file, text, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException("the run folder must be writable, got: " + file, e);
        }
    }
}

package org.minpro.experience;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.minpro.data.Problem;
import org.minpro.rollout.Rollout;

/**
 * A response that a reward could not judge because of an error of its own: it threw, returned null, or took longer than its
 * budget.
 *
 * @param problem that was answered
 * @param rollout the response
 * @param what went wrong, in one line with its place
 * @param cause what was thrown; for a call that took too long its stack trace is where the call was then
 */
public record RewardFailure(Problem problem, Rollout rollout, String what, Throwable cause) {
    private static final int LONGEST_MESSAGE = 300;

    static RewardFailure thrown(Problem problem, Rollout rollout, Throwable cause) {
        return new RewardFailure(problem, rollout, described(cause), cause);
    }

    /** The exception, its place and what it was caused by, in one line. */
    private static String described(Throwable cause) {
        Throwable root = cause;
        // A chain may be a circle.
        for (int depth = 0; root.getCause() != null && depth < 100; depth++) {
            root = root.getCause();
        }
        String outer = shortened(cause.toString()) + place(cause);
        return cause.getCause() == null ? outer : outer + ", caused by " + shortened(root.toString()) + place(root);
    }

    private static String shortened(String message) {
        String line = message.replaceAll("\\s+", " ");
        return line.length() <= LONGEST_MESSAGE ? line : line.substring(0, LONGEST_MESSAGE) + "…";
    }

    /** {@code  at Name.java:12}: the innermost line that is not the JDK's; empty where there is none. */
    static String place(Throwable cause) {
        for (StackTraceElement frame : cause.getStackTrace()) {
            if (!frame.getClassName().matches("(java|javax|jdk|sun|com\\.sun)\\..*") && frame.getFileName() != null) {
                return " at " + frame.getFileName() + ":" + frame.getLineNumber();
            }
        }
        return "";
    }

    /** What the response is undecided for. */
    public String reason() {
        return "the reward failed: " + what;
    }

    /** The problem, draw and sample of the response. */
    public String where() {
        return where(problem, rollout);
    }

    static String where(Problem problem, Rollout rollout) {
        return "problem " + problem.id() + ", draw " + rollout.draw() + ", sample " + rollout.sample();
    }

    /** The whole stack trace with its causes, as Java prints it. */
    public String trace() {
        StringWriter trace = new StringWriter();
        cause.printStackTrace(new PrintWriter(trace));
        return trace.toString().stripTrailing();
    }
}

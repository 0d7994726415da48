package org.minpro.dashboard;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

/** A run's folder with numbers that tell what they are, of the built-in model. */
final class SyntheticRun {
    static final int SAMPLES = 3;

    private SyntheticRun() {}

    /** A run of so many iterations, of which {@code due} were asked for: a draw an iteration, three samples each. */
    static Path write(Path folder, int iterations, int due) throws IOException {
        Files.createDirectories(folder.resolve("answers"));
        Files.writeString(
                folder.resolve("recipe.yaml"),
                "# minpro train\nseed: 1\nmodel:\n  path: builtin\niterations: " + due
                        + "\nlag: 2\nobjective:\n  name: minpro\n  cap: 5.0\n");
        Files.writeString(
                folder.resolve("notices.jsonl"),
                "{\"time\":5.0,\"iteration\":1,\"line\":\"warning: <b>mind</b> the step\"}\n");
        for (int i = 0; i < iterations; i++) {
            iteration(folder, i);
        }
        Files.writeString(
                folder.resolve("evaluations.jsonl"),
                "{\"iteration\":0,\"accuracy\":0.25,\"accuracy_low\":0.125,\"accuracy_high\":0.5,\"time\":{\"seconds\":1.0,"
                        + "\"ended_at\":1.0}}\n{\"iteration\":" + iterations
                        + ",\"accuracy\":0.5,\"accuracy_low\":0.25,\"accuracy_high\":0.75,\"time\":{\"seconds\":1.0,"
                        + "\"ended_at\":9.0}}\n");
        Files.writeString(
                folder.resolve("answers/iteration-0.jsonl"),
                rollout(0, 900, 0, 0, true, 4) + rollout(0, 901, 0, 1, true, 4) + rollout(0, 902, 0, 0, false, 4));
        Files.writeString(
                folder.resolve("answers/iteration-" + iterations + ".jsonl"),
                rollout(0, 900, 0, 1, true, 5) + rollout(0, 901, 0, 1, true, 4) + rollout(0, 902, 0, 0, true, 4));
        return folder;
    }

    /** Adds the lines of an iteration: reward i / 16; sample s has 4 + i + s tokens; sample 2 is undecided. */
    static void iteration(Path folder, int i) throws IOException {
        append(
                folder.resolve("metrics.jsonl"),
                String.format(
                        Locale.ROOT,
                        "{\"iteration\":%d,\"reward\":%s,\"accuracy\":%s,\"entropy\":%s,\"completions/mean_length\":%d.0,"
                                + "\"rollout_corr/kl\":null,\"time\":{\"sampling_seconds\":1.5,\"training_seconds\":0.5,"
                                + "\"resident_bytes\":2.0E9,\"ended_at\":%d.5}}%n",
                        i,
                        i / 16.0,
                        i / 32.0,
                        1 - i / 64.0,
                        4 + i,
                        1000 + i));
        for (int sample = 0; sample < SAMPLES; sample++) {
            append(folder.resolve("journal.jsonl"), rollout(i, i, sample, sample, sample != 2, 4 + i + sample));
        }
        StringBuilder tokens = new StringBuilder();
        for (int t = 0; t < 4 + i; t++) {
            // The largest ratio of draw i is 0.25 (i + 1), in the second token.
            tokens.append(String.format(
                    Locale.ROOT,
                    "{\"iteration\":%d,\"update\":1,\"draw\":%d,\"sample\":0,\"position\":%d,\"version\":1,\"age\":2,"
                            + "\"log_mu\":-0.5,\"log_pi\":%s,\"min_prefix\":0.875,\"weight\":1.25,\"entropy\":0.375}%n",
                    i,
                    i,
                    t,
                    t == 1 ? -0.5 + 0.25 * (i + 1) : -0.5));
        }
        append(folder.resolve("tokens.jsonl"), tokens.toString());
    }

    private static String rollout(int iteration, int draw, int sample, double reward, boolean decided, int tokens) {
        StringBuilder ids = new StringBuilder();
        StringBuilder logProbs = new StringBuilder();
        for (int t = 0; t < tokens; t++) {
            ids.append(t == 0 ? "" : ",").append(3 + t % 10);
            logProbs.append(t == 0 ? "" : ",").append("-0.5");
        }
        return "{\"iteration\":" + iteration + ",\"draw\":" + draw + ",\"sample\":" + sample + ",\"problem\":\"p" + draw
                + "\",\"answer\":\"42\",\"finish\":\"" + (sample == 1 ? "length" : "stop")
                + "\",\"text\":\"<i>text</i> of " + tokens + "\",\"score\":{\"decided\":" + decided + ",\"value\":"
                + reward
                + ",\"reason\":\"because\",\"parts\":{}},\"prompt_ids\":[3,4,5],\"response_ids\":[" + ids
                + "],\"behavior_log_probs\":[" + logProbs + "],\"version\":0}\n";
    }

    private static void append(Path file, String text) throws IOException {
        Files.writeString(
                file,
                text.replace(System.lineSeparator(), "\n"),
                StandardCharsets.UTF_8,
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
    }
}

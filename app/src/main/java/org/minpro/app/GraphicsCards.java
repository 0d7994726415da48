package org.minpro.app;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** NVIDIA's cards in this machine, as its own tool {@code nvidia-smi} tells. */
final class GraphicsCards {
    private static final List<String> QUERY =
            List.of("--query-gpu=index,name,driver_version,memory.total,memory.free", "--format=csv,noheader,nounits");

    private GraphicsCards() {}

    /**
     * A line for each card, such as {@code cuda:0 NVIDIA H100, driver 580.159, 85.5 GB, 84.9 GB free}; none where the tool is
     * missing or finds none.
     *
     * @param tool the program
     */
    static List<String> read(String tool) {
        try {
            List<String> command = new ArrayList<>(List.of(tool));
            command.addAll(QUERY);
            Process process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            String answer;
            try (InputStream out = process.getInputStream()) {
                answer = new String(out.readAllBytes(), StandardCharsets.UTF_8);
            }
            boolean ended = process.waitFor(10, TimeUnit.SECONDS);
            return ended && process.exitValue() == 0
                    ? answer.lines().map(GraphicsCards::line).toList()
                    : List.of();
        } catch (IOException e) {
            return List.of();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return List.of();
        }
    }

    private static String line(String card) {
        String[] fields = card.split(", ", -1);
        return fields.length == 5
                ? "cuda:" + fields[0] + " " + fields[1] + ", driver " + fields[2] + ", " + gigabytes(fields[3]) + ", "
                        + gigabytes(fields[4]) + " free"
                : card;
    }

    /** The tool counts in MiB; what it does not know it calls by a word in brackets. */
    private static String gigabytes(String mebibytes) {
        return mebibytes.matches("\\d+")
                ? String.format(Locale.ROOT, "%.1f GB", Long.parseLong(mebibytes) * 1048576 / 1e9)
                : mebibytes;
    }
}

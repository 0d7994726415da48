package org.minpro.dashboard;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** The newest numbers of runs in the text format of Prometheus, version 0.0.4. */
final class PrometheusText {
    static final String TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private final SortedMap<String, StringBuilder> families = new TreeMap<>();
    private final Set<String> seen = new HashSet<>();

    /** Adds the numbers of a run: {@code minpro_rollout_corr_kl{run="0001"} 0.25}. */
    void add(String run, RunState state, long done, long due, Map<String, Double> numbers) {
        sample("minpro_running", run, state == RunState.RUNNING ? 1 : 0);
        sample("minpro_iterations_done", run, (double) done);
        sample("minpro_iterations_due", run, (double) due);
        numbers.forEach((name, value) -> sample("minpro_" + name.replaceAll("[^A-Za-z0-9_]", "_"), run, value));
    }

    /** Where two names become one, the first has it: a sample stands once. */
    private void sample(String name, String run, double value) {
        if (!seen.add(name + "\n" + run)) {
            return;
        }
        families.computeIfAbsent(name, key -> new StringBuilder("# TYPE " + key + " gauge\n"))
                .append(name)
                .append("{run=\"")
                .append(run.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n"))
                .append("\"} ")
                .append(value)
                .append('\n');
    }

    String text() {
        return String.join("", families.values());
    }
}

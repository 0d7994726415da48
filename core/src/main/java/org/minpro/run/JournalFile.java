package org.minpro.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.minpro.config.JsonProblem;
import org.minpro.data.Problem;
import org.minpro.experience.Journal;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A journal as a file of JSON lines, one for each rollout in the order in which they ended.
 *
 * <p>A line that a crash cut short is dropped when the file is opened again. Numbers are written with the digits that give back
 * the same bits.
 */
public final class JournalFile implements Journal, AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** Half of a surrogate pair: a whole pair is one character to a pattern. */
    private static final Pattern HALF = Pattern.compile("\\p{Cs}");

    private final AppendedLines file;
    private final Map<Long, Map<Integer, Entry>> known = new HashMap<>();
    private final List<String> damaged = new ArrayList<>();

    private JournalFile(AppendedLines file) {
        this.file = file;
    }

    /**
     * Opens the journal, made if it is not there.
     *
     * @param oldestDraw entries of earlier draws are not kept in memory: the run is done with them
     */
    public static JournalFile open(Path path, long oldestDraw) {
        try {
            AppendedLines file = AppendedLines.open(path, "the journal");
            JournalFile journal = new JournalFile(file);
            file.cut(journal.read(oldestDraw));
            return journal;
        } catch (IOException e) {
            throw new UncheckedIOException("the journal must be readable and writable, got: " + path, e);
        }
    }

    /**
     * Lines that cannot be read, a line of text each: their responses are missing, and are generated again where the run
     * still samples them.
     */
    public List<String> damaged() {
        return List.copyOf(damaged);
    }

    /** Reads all whole lines; returns the position after the last of them. */
    private long read(long oldestDraw) throws IOException {
        long[] last = {0};
        int[] number = {0};
        file.read((line, end) -> {
            number[0]++;
            last[0] = end;
            try {
                JsonNode node = JSON.readTree(line);
                if (node.path("draw").longValue() >= oldestDraw) {
                    Entry entry = entry(node);
                    known.computeIfAbsent(entry.rollout().draw(), key -> new HashMap<>())
                            .put(entry.rollout().sample(), entry);
                }
            } catch (JacksonException e) {
                damaged.add(file.path() + ":" + number[0] + " is not valid JSON: " + JsonProblem.of(e));
            } catch (IllegalArgumentException e) {
                damaged.add(file.path() + ":" + number[0] + " is no rollout: " + e.getMessage());
            }
            return true;
        });
        return last[0];
    }

    /** What was there when it was opened, of the draws that are still needed. */
    synchronized List<Entry> known() {
        return known.values().stream()
                .flatMap(ofDraw -> ofDraw.values().stream())
                .toList();
    }

    @Override
    public synchronized Optional<Entry> find(long draw, int sample) {
        return Optional.ofNullable(known.getOrDefault(draw, Map.of()).get(sample));
    }

    @Override
    public synchronized void append(long iteration, Problem problem, Rollout rollout, Score score) {
        String json = JSON.writeValueAsString(node(iteration, problem, rollout, score));
        file.append(withHalvesEscaped(json) + "\n");
    }

    /** Makes everything written so far survive a loss of power. */
    public synchronized void force() {
        file.force();
    }

    /** Forgets entries of earlier draws; they stay in the file. */
    public synchronized void forgetBefore(long draw) {
        known.keySet().removeIf(known -> known < draw);
    }

    /** UTF-8 cannot hold half of a surrogate pair, which would become a question mark. */
    private static String withHalvesEscaped(String json) {
        return HALF.matcher(json)
                .replaceAll(
                        half -> String.format("\\\\u%04X", (int) half.group().charAt(0)));
    }

    private static ObjectNode node(long iteration, Problem problem, Rollout rollout, Score score) {
        ObjectNode node = JSON.createObjectNode();
        node.put("iteration", iteration);
        node.put("draw", rollout.draw());
        node.put("sample", rollout.sample());
        node.put("problem", problem.id());
        node.put("answer", problem.answer());
        node.put("finish", rollout.finish().name().toLowerCase(java.util.Locale.ROOT));
        node.put("text", rollout.text());
        ObjectNode ofScore = node.putObject("score");
        ofScore.put("decided", score.decided());
        ofScore.put("value", score.value());
        ofScore.put("reason", score.reason());
        ObjectNode parts = ofScore.putObject("parts");
        // The parser takes no half in a name.
        new TreeMap<>(score.parts())
                .forEach((name, value) -> parts.put(HALF.matcher(name).replaceAll("\uFFFD"), value));
        if (!score.steps().isEmpty()) {
            ObjectNode steps = ofScore.putObject("steps");
            score.steps().forEach((token, value) -> steps.put(token.toString(), value));
        }
        ArrayNode prompt = node.putArray("prompt_ids");
        for (int id : rollout.promptIds()) {
            prompt.add(id);
        }
        ArrayNode response = node.putArray("response_ids");
        ArrayNode logProbs = node.putArray("behavior_log_probs");
        for (int t = 0; t < rollout.length(); t++) {
            response.add(rollout.responseIds()[t]);
            logProbs.add(rollout.behaviorLogProbs()[t]);
        }
        if (!allZero(rollout.logKeptMass())) {
            ArrayNode kept = node.putArray("log_kept_mass");
            for (float mass : rollout.logKeptMass()) {
                kept.add(mass);
            }
        }
        boolean allTrue = true;
        for (boolean valid : rollout.responseMask()) {
            allTrue &= valid;
        }
        if (!allTrue) {
            ArrayNode mask = node.putArray("response_mask");
            for (boolean valid : rollout.responseMask()) {
                mask.add(valid);
            }
        }
        if (Arrays.stream(rollout.versions()).distinct().count() == 1) {
            node.put("version", rollout.version());
        } else {
            ArrayNode versions = node.putArray("versions");
            for (long version : rollout.versions()) {
                versions.add(version);
            }
        }
        return node;
    }

    private static boolean allZero(float[] values) {
        for (float value : values) {
            // Not -0.0, which equals 0.
            if (Float.floatToRawIntBits(value) != 0) {
                return false;
            }
        }
        return true;
    }

    private static Entry entry(JsonNode node) {
        int[] response = integers(node.path("response_ids"));
        int time = response.length;
        boolean[] mask = new boolean[time];
        Arrays.fill(mask, true);
        JsonNode storedMask = node.path("response_mask");
        for (int t = 0; t < storedMask.size(); t++) {
            mask[t] = storedMask.get(t).booleanValue();
        }
        long[] versions = new long[time];
        Arrays.fill(versions, node.path("version").longValue(0));
        JsonNode storedVersions = node.path("versions");
        for (int t = 0; t < storedVersions.size(); t++) {
            versions[t] = storedVersions.get(t).longValue();
        }
        JsonNode kept = node.path("log_kept_mass");
        Rollout rollout = new Rollout(
                node.path("draw").longValue(),
                node.path("sample").intValue(),
                integers(node.path("prompt_ids")),
                response,
                mask,
                floats(node.path("behavior_log_probs")),
                kept.isMissingNode() ? new float[time] : floats(kept),
                versions,
                Rollout.Finish.valueOf(node.path("finish").stringValue().toUpperCase(java.util.Locale.ROOT)),
                node.path("text").stringValue());
        JsonNode score = node.path("score");
        Map<String, Double> parts = new TreeMap<>();
        score.path("parts").forEachEntry((name, value) -> parts.put(name, value.doubleValue()));
        SortedMap<Integer, Double> steps = new TreeMap<>();
        score.path("steps").forEachEntry((token, value) -> steps.put(Integer.valueOf(token), value.doubleValue()));
        return new Entry(
                rollout,
                new Score(
                        score.path("decided").booleanValue(),
                        score.path("value").doubleValue(),
                        parts,
                        score.path("reason").stringValue(),
                        steps));
    }

    private static int[] integers(JsonNode array) {
        int[] values = new int[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).intValue();
        }
        return values;
    }

    /** Numbers that were written with the digits of float32. */
    static float[] floats(JsonNode array) {
        float[] values = new float[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = float32(array.get(i).doubleValue());
        }
        return values;
    }

    /** The float32 whose digits were read as a float64. */
    private static float float32(double value) {
        float nearest = (float) value;
        // Where the float64 lies half-way between two, rounding it may give the other.
        for (float candidate : new float[] {nearest, Math.nextUp(nearest), Math.nextDown(nearest)}) {
            if (Double.parseDouble(Float.toString(candidate)) == value) {
                return candidate;
            }
        }
        return nearest;
    }

    @Override
    public void close() {
        file.close();
    }
}

package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.data.Problem;
import org.minpro.experience.Journal;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;

/** What a journal gives back is what was written, to the bit: a resumed run must not differ from one that was not stopped. */
final class JournalFileTest {
    private static final Problem PROBLEM = Problem.of("p \"1\"", "2+2=", "4");

    @TempDir
    Path folder;

    private record Written(Rollout rollout, Score score) {}

    /** Everything that a field of float32 can hold and a log-probability may be. */
    private static float[] floats(int time, Random random) {
        float[] corners = {
            -0.0f, 0.0f, Float.MIN_VALUE, -Float.MIN_VALUE, -Float.MIN_NORMAL, -Float.MAX_VALUE, -0.1f, -1f / 3
        };
        float[] values = new float[time];
        for (int t = 0; t < time; t++) {
            values[t] =
                    t < corners.length ? corners[t] : Float.intBitsToFloat(random.nextInt() & 0xFEFFFFFF | 0x80000000);
        }
        return values;
    }

    private static Rollout rollout(long draw, int sample, int time, Random random, boolean plain) {
        boolean[] mask = new boolean[time];
        long[] versions = new long[time];
        int[] response = new int[time];
        for (int t = 0; t < time; t++) {
            mask[t] = plain || t % 3 != 1;
            versions[t] = plain ? Long.MAX_VALUE : Long.MAX_VALUE - t / 4;
            response[t] = random.nextInt(Integer.MAX_VALUE);
        }
        return new Rollout(
                draw,
                sample,
                new int[] {0, Integer.MAX_VALUE},
                response,
                mask,
                floats(time, random),
                plain ? new float[time] : floats(time, random),
                versions,
                sample % 2 == 0 ? Rollout.Finish.STOP : Rollout.Finish.LENGTH,
                plain ? "" : "\u0000 \"\\\n\u2028 \u00e9 \u4e2d \ud83d\ude00 </script>");
    }

    private List<Written> written(Random random) {
        List<Written> all = new ArrayList<>();
        Map<String, Double> parts = new TreeMap<>();
        parts.put("negative zero", -0.0);
        parts.put("smallest", Double.MIN_VALUE);
        parts.put("a third/of", 1.0 / 3);
        parts.put("", -Double.MAX_VALUE);
        all.add(new Written(rollout(Long.MAX_VALUE, 0, 40, random, false), new Score(true, -0.0, parts, "")));
        all.add(new Written(
                rollout(3, 1, 40, random, false), new Score(true, 0.1 + 0.2, Map.of(), "\t\"why\" \u4e2d\n")));
        all.add(new Written(
                rollout(3, 8, 40, random, false),
                new Score(true, 0.5, Map.of(), "", new TreeMap<>(Map.of(3, -0.25, 39, 0.75)))));
        all.add(new Written(rollout(3, 0, 12, random, true), Score.undecided("the service is down")));
        all.add(new Written(rollout(4, 0, 1, random, true), Score.of(Double.MIN_VALUE)));
        all.add(new Written(rollout(5, 7, 0, random, true), Score.of(1)));
        for (int i = 0; i < 200; i++) {
            all.add(new Written(rollout(6, i, 100, random, false), Score.of(random.nextGaussian())));
        }
        return all;
    }

    private static void assertSame(Journal.Entry entry, Written written) {
        Rollout rollout = entry.rollout();
        // Equal arrays of floats have equal bits: equals tells -0.0 from 0.0.
        assertThat(rollout).isEqualTo(written.rollout());
        assertThat(bits(rollout.behaviorLogProbs()))
                .isEqualTo(bits(written.rollout().behaviorLogProbs()));
        assertThat(bits(rollout.logKeptMass())).isEqualTo(bits(written.rollout().logKeptMass()));
        assertThat(entry.score()).isEqualTo(written.score());
        assertThat(Double.doubleToRawLongBits(entry.score().value()))
                .isEqualTo(Double.doubleToRawLongBits(written.score().value()));
        assertThat(entry.score().parts()).isEqualTo(written.score().parts());
    }

    private static int[] bits(float[] values) {
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values[i]);
        }
        return bits;
    }

    @Test
    void everyFieldSurvivesCloseAndReopen() {
        Path path = folder.resolve("journal.jsonl");
        List<Written> all = written(new Random(5));
        try (JournalFile journal = JournalFile.open(path, 0)) {
            all.forEach(one -> journal.append(9, PROBLEM, one.rollout(), one.score()));
        }
        try (JournalFile journal = JournalFile.open(path, 0)) {
            assertThat(journal.damaged()).isEmpty();
            for (Written one : all) {
                assertSame(
                        journal.find(one.rollout().draw(), one.rollout().sample())
                                .orElseThrow(),
                        one);
            }
            assertThat(journal.find(3, 2)).isEmpty();
        }
    }

    /** What is written again from what was read is the same line. */
    @Test
    void aSecondWritingHasTheSameBytes() throws IOException {
        Path first = folder.resolve("first.jsonl");
        Path second = folder.resolve("second.jsonl");
        List<Written> all = written(new Random(6));
        try (JournalFile journal = JournalFile.open(first, 0)) {
            all.forEach(one -> journal.append(9, PROBLEM, one.rollout(), one.score()));
        }
        try (JournalFile read = JournalFile.open(first, 0);
                JournalFile journal = JournalFile.open(second, 0)) {
            for (Written one : all) {
                Journal.Entry entry =
                        read.find(one.rollout().draw(), one.rollout().sample()).orElseThrow();
                journal.append(9, PROBLEM, entry.rollout(), entry.score());
            }
        }
        assertThat(second).hasSameBinaryContentAs(first);
    }

    /** Half a character is text that no UTF-8 can hold; JSON can, as an escape, but for names. */
    @Test
    void halvesOfCharactersSurvive() throws IOException {
        Path path = folder.resolve("journal.jsonl");
        String halves = "a\ud83d b\ude00 \ud83d\ude00 \ude00\ud83d";
        Rollout rollout = new Rollout(
                1,
                0,
                new int[] {1},
                new int[] {2},
                new boolean[] {true},
                new float[] {-1},
                new float[1],
                new long[1],
                Rollout.Finish.STOP,
                halves);
        Written one = new Written(rollout, new Score(true, 1, Map.of("\ufffd\ud83d\ude00", 2.0), halves));
        try (JournalFile journal = JournalFile.open(path, 0)) {
            Score given = new Score(true, 1, Map.of("\ude00\ud83d\ude00", 2.0), halves);
            journal.append(0, PROBLEM, one.rollout(), given);
        }
        assertThat(Files.readString(path, StandardCharsets.UTF_8)).contains("a\\uD83D b\\uDE00 \ud83d\ude00");
        try (JournalFile journal = JournalFile.open(path, 0)) {
            assertThat(journal.damaged()).isEmpty();
            assertSame(journal.find(1, 0).orElseThrow(), one);
        }
    }

    @Test
    void onlyDrawsThatAreStillNeededAreKeptInMemory() {
        Path path = folder.resolve("journal.jsonl");
        Random random = new Random(7);
        try (JournalFile journal = JournalFile.open(path, 0)) {
            for (long draw = 0; draw < 4; draw++) {
                journal.append(0, PROBLEM, rollout(draw, 0, 3, random, true), Score.of((double) draw));
            }
        }
        try (JournalFile journal = JournalFile.open(path, 2)) {
            assertThat(journal.find(1, 0)).isEmpty();
            assertThat(journal.find(2, 0)).isPresent();
            journal.forgetBefore(3);
            assertThat(journal.find(2, 0)).isEmpty();
            assertThat(journal.find(3, 0)).isPresent();
        }
        try (JournalFile journal = JournalFile.open(path, 0)) {
            assertThat(journal.find(1, 0)).isPresent();
        }
    }
}

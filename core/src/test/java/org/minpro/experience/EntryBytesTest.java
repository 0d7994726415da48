package org.minpro.experience;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;

class EntryBytesTest {
    @Test
    void everyBitComesBack() {
        Rollout rollout = new Rollout(
                1L << 40,
                3,
                new int[] {1, 2},
                new int[] {7, 8},
                new boolean[] {true, false},
                new float[] {-0.1f, Float.MIN_VALUE},
                new float[] {-0.0f, 0},
                new long[] {5, 6},
                Rollout.Finish.LENGTH,
                // Half of a surrogate pair, which UTF-8 has no bytes for.
                "a\uD83D");
        Score score =
                new Score(true, 0.1 + 0.2, Map.of("part", -0.0), "why\nnot", new TreeMap<>(Map.of(0, 0.1, 1, 0.2)));
        List<Journal.Entry> entries =
                List.of(new Journal.Entry(rollout, score), new Journal.Entry(rollout, Score.undecided("late")));
        List<Journal.Entry> back = EntryBytes.read(EntryBytes.of(entries));
        assertThat(back).isEqualTo(entries);
        assertThat(Float.floatToRawIntBits(back.getFirst().rollout().logKeptMass()[0]))
                .isEqualTo(Float.floatToRawIntBits(-0.0f));
        assertThat(EntryBytes.read(EntryBytes.of(List.of()))).isEmpty();
    }
}

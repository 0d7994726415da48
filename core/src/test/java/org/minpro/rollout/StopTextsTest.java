package org.minpro.rollout;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopTextsTest {
    /** A byte an id, as a byte-level tokenizer has for what it does not know. */
    private static String ofBytes(int[] ids) {
        byte[] bytes = new byte[ids.length];
        for (int i = 0; i < ids.length; i++) {
            bytes[i] = (byte) ids[i];
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static int[] bytes(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int[] ids = new int[bytes.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = bytes[i] & 0xFF;
        }
        return ids;
    }

    private static final String[] WORDS = {"", "so 4", "2.", "\nQues", "tion", ": 7", "\n", "Question: and more", " x"};

    private static String ofPieces(int[] ids) {
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(WORDS[id]);
        }
        return text.toString();
    }

    /** The number of ids after which a response ends, or -1. */
    private static int ends(StopTexts stops, int... ids) {
        for (int length = 1; length <= ids.length; length++) {
            if (stops.completedBy(ids, length)) {
                return length;
            }
        }
        return -1;
    }

    @Test
    void aStopTextMayBeginAndEndInsideTokens() {
        StopTexts stops = new StopTexts(List.of("\nQuestion:"), StopTextsTest::ofPieces);
        assertThat(ends(stops, 1, 2, 3, 4, 5, 8)).isEqualTo(5);
        assertThat(stops.before(new int[] {1, 2, 3, 4, 5})).isEqualTo("so 42.");
        assertThat(ends(stops, 1, 2, 6, 7, 8)).isEqualTo(4);
        assertThat(stops.before(new int[] {1, 2, 6, 7})).isEqualTo("so 42.");
        assertThat(ends(stops, 1, 2, 3, 4, 8)).isEqualTo(-1);
    }

    @Test
    void withoutStopTextsAllTextCounts() {
        StopTexts stops = new StopTexts(List.of(), StopTextsTest::ofPieces);
        assertThat(ends(stops, 1, 2, 3, 4, 5)).isEqualTo(-1);
        assertThat(stops.before(new int[] {1, 2})).isEqualTo("so 42.");
    }

    @Test
    void theFirstOfSeveralStopTextsCounts() {
        StopTexts stops = new StopTexts(List.of("and", "Question", ":"), StopTextsTest::ofPieces);
        assertThat(ends(stops, 1, 7)).isEqualTo(2);
        assertThat(stops.before(new int[] {1, 7})).isEqualTo("so 4");
    }

    @Test
    void tokensWithoutTextDoNotHideAStopText() {
        StopTexts stops = new StopTexts(List.of("Question:"), StopTextsTest::ofPieces);
        int[] ids = new int[400];
        ids[0] = 1;
        ids[1] = 3;
        ids[2] = 4;
        ids[399] = 5;
        assertThat(ends(stops, ids)).isEqualTo(400);
        assertThat(stops.before(ids)).isEqualTo("so 4\n");
    }

    @Test
    void whatWasGivenToThePolicyEndsNothing() {
        StopTexts stops = new StopTexts(List.of("Question:"), StopTextsTest::ofPieces);
        int[] ids = {1, 7, 1, 8};
        assertThat(stops.completedBy(ids, 3)).isFalse();
        assertThat(stops.completedBy(ids, 4)).isFalse();
        assertThat(stops.before(ids)).isEqualTo("so 4Question: and moreso 4 x");
    }

    @Test
    void everyStopTextIsFoundWhereItsLastByteIsSampled() {
        Random random = new Random(5);
        for (int i = 0; i < 2_000; i++) {
            StringBuilder text = new StringBuilder();
            int length = 1 + random.nextInt(60);
            for (int c = 0; c < length; c++) {
                text.appendCodePoint(new int[] {'a', 'b', 'é', '答', 0x1F600}[random.nextInt(5)]);
            }
            List<String> stops = new ArrayList<>(List.of("ab", "é答", "bb😀", "答aé"));
            int expected = -1;
            int[] ids = bytes(text.toString());
            for (int end = 1; end <= ids.length && expected < 0; end++) {
                String part = ofBytes(Arrays.copyOf(ids, end));
                if (stops.stream().anyMatch(part::contains)) {
                    expected = end;
                }
            }
            StopTexts found = new StopTexts(stops, StopTextsTest::ofBytes);
            assertThat(ends(found, ids)).as("%s", text).isEqualTo(expected);
            if (expected > 0) {
                String all = ofBytes(Arrays.copyOf(ids, expected));
                int cut = stops.stream()
                        .mapToInt(all::indexOf)
                        .filter(at -> at >= 0)
                        .min()
                        .orElseThrow();
                assertThat(found.before(Arrays.copyOf(ids, expected))).isEqualTo(all.substring(0, cut));
            }
        }
    }
}

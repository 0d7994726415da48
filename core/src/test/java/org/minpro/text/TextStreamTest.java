package org.minpro.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class TextStreamTest {
    /** Tokens that are bytes: every character outside of ASCII has several. */
    private static String bytes(int[] ids) {
        byte[] bytes = new byte[ids.length];
        for (int i = 0; i < ids.length; i++) {
            bytes[i] = (byte) ids[i];
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** Tokens that are words; the first of a text loses its blank, as SentencePiece's does. 0 is special. */
    private static String words(int[] ids) {
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(id == 0 ? "" : " w" + id);
        }
        return text.toString().stripLeading();
    }

    private static List<String> pieces(Function<int[], String> decode, int... ids) {
        List<String> pieces = new ArrayList<>();
        TextStream stream = new TextStream(decode, pieces::add);
        for (int id : ids) {
            stream.add(id);
        }
        stream.end(decode.apply(ids));
        return pieces;
    }

    private static int[] utf8(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        int[] ids = new int[utf8.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = utf8[i] & 0xFF;
        }
        return ids;
    }

    @Test
    void aCharacterOfSeveralTokensComesWhole() {
        assertThat(pieces(TextStreamTest::bytes, utf8("aé😀漢"))).containsExactly("a", "é", "😀", "漢");
    }

    @Test
    void blanksBetweenTokensStay() {
        assertThat(pieces(TextStreamTest::words, 3, 4, 0, 5)).containsExactly("w3", " w4", " w5");
    }

    @Test
    void bytesThatNeverBecomeACharacterAreToldAtTheEnd() {
        assertThat(pieces(TextStreamTest::bytes, 'a', 0xF0, 0x9F)).containsExactly("a", "\uFFFD");
        assertThat(String.join("", pieces(TextStreamTest::bytes, 0xF0, 'b', 0x80, 0x80, 'c')))
                .isEqualTo(bytes(new int[] {0xF0, 'b', 0x80, 0x80, 'c'}));
    }

    @Test
    void thePiecesAreTheText() {
        Random random = new Random(3);
        for (int round = 0; round < 300; round++) {
            int[] ids = random.ints(random.nextInt(60), 0, 256).toArray();
            assertThat(String.join("", pieces(TextStreamTest::bytes, ids))).isEqualTo(bytes(ids));
            int[] words = random.ints(random.nextInt(60), 0, 5).toArray();
            assertThat(String.join("", pieces(TextStreamTest::words, words))).isEqualTo(words(words));
        }
    }
}

package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class DisplayTextTest {
    @Test
    void nothingThatATerminalActsOnIsLeft() {
        assertThat(DisplayText.visible("a\r\nb\tc\u001b[31m\u0007\u007f\u009b\u202e\ud800"))
                .isEqualTo("a↵b c␛[31m␇␡\ufffd\ufffd\ufffd");
        StringBuilder all = new StringBuilder();
        for (int c = 0; c < 0x3000; c++) {
            all.appendCodePoint(c);
        }
        assertThat(DisplayText.visible(all.toString()).codePoints())
                .noneMatch(c -> Character.isISOControl(c) || Character.getType(c) == Character.LINE_SEPARATOR);
    }

    @Test
    void wideCharactersTakeTwoColumnsAndMarksNone() {
        assertThat(DisplayText.width("abc")).isEqualTo(3);
        assertThat(DisplayText.width("漢字ア한！")).isEqualTo(10);
        assertThat(DisplayText.width("e\u0301a")).isEqualTo(2);
        assertThat(DisplayText.width("😀")).isEqualTo(2);
        assertThat(DisplayText.width("±×é")).isEqualTo(3);
    }

    @Test
    void whatIsTooLongIsCutBetweenCharacters() {
        assertThat(DisplayText.fit("漢字", 4)).isEqualTo("漢字");
        assertThat(DisplayText.fit("漢字漢", 4)).isEqualTo("漢…");
        assertThat(DisplayText.fit("ae\u0301xx", 3)).isEqualTo("ae\u0301…");
        assertThat(DisplayText.fit("abc", 0)).isEmpty();
        assertThat(DisplayText.fitWithEnd("0123456789abcdef", 9)).isEqualTo("0123…cdef");
    }

    @Test
    void noPieceIsEverWiderThanItsRoom() {
        String[] parts = {"a", "漢", "e\u0301", "😀", "\u001b", "\n", "…", "\ud83d", "👩\u200d👩\u200d👧"};
        Random random = new Random(5);
        for (int round = 0; round < 500; round++) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(40); i > 0; i--) {
                text.append(parts[random.nextInt(parts.length)]);
            }
            String visible = DisplayText.visible(text.toString());
            int columns = 2 + random.nextInt(30);
            assertThat(DisplayText.width(DisplayText.fit(visible, columns))).isLessThanOrEqualTo(columns);
            assertThat(DisplayText.width(DisplayText.fitWithEnd(visible, columns)))
                    .isLessThanOrEqualTo(columns);
            assertThat(DisplayText.wrap(visible, columns))
                    .allMatch(line -> DisplayText.width(line) <= columns)
                    .satisfies(lines -> assertThat(String.join("", lines)).isEqualTo(visible));
        }
    }
}

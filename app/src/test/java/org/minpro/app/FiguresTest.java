package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class FiguresTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "5.4|0:05",
                "65|1:05",
                "7400|2:03:20",
                "172799|47:59:59",
                "172800|2 days",
                "342786719|3,967 days",
                "NaN|?"
            })
    void durationsAreRead(double seconds, String text) {
        assertThat(Figures.duration(seconds)).isEqualTo(text);
    }
}

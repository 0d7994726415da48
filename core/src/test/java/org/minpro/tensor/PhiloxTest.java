package org.minpro.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PhiloxTest {
    /** Known answers of Random123's kat_vectors file, philox4x32 with 10 rounds. */
    @Test
    void givesThePublishedVectors() {
        assertThat(Philox.block(0, 0, 0, 0, 0, 0)).containsExactly(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
        assertThat(Philox.block(-1, -1, -1, -1, -1, -1))
                .containsExactly(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
        assertThat(Philox.block(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0))
                .containsExactly(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
    }

    @Test
    void everyCoordinateChangesTheNumber() {
        double base = Philox.uniform(1, Philox.Purpose.SAMPLING, 2, 3, 4);
        assertThat(base).isBetween(0.0, Math.nextDown(1.0));
        assertThat(Philox.uniform(1, Philox.Purpose.SAMPLING, 2, 3, 4)).isEqualTo(base);
        assertThat(new double[] {
                    Philox.uniform(1 + (1L << 40), Philox.Purpose.SAMPLING, 2, 3, 4),
                    Philox.uniform(1, Philox.Purpose.TASK, 2, 3, 4),
                    Philox.uniform(1, Philox.Purpose.SAMPLING, 2 + (1L << 40), 3, 4),
                    Philox.uniform(1, Philox.Purpose.SAMPLING, 2, 4, 4),
                    Philox.uniform(1, Philox.Purpose.SAMPLING, 2, 3, 5)
                })
                .doesNotContain(base)
                .doesNotHaveDuplicates();
    }

    @Test
    void uniformNumbersFillTheUnitIntervalEvenly() {
        int[] counts = new int[16];
        int draws = 160_000;
        for (int i = 0; i < draws; i++) {
            counts[(int) (16 * Philox.uniform(7, Philox.Purpose.TRIAL, i, 0, 0))]++;
        }
        double chiSquare = 0;
        for (int count : counts) {
            chiSquare += Math.pow(count - draws / 16.0, 2) / (draws / 16.0);
        }
        // 15 degrees of freedom: 37.7 is the 0.1 % quantile.
        assertThat(chiSquare).isLessThan(37.7);
    }
}

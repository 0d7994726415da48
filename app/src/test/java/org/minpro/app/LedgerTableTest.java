package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LedgerTableTest {
    @Test
    void numbersStandSideBySideAndEachArrayOnALineOfItsOwn() {
        Map<String, Object> metrics = new LinkedHashMap<>();
        metrics.put("loss", -0.123456);
        metrics.put("ratio/prefix/mean_by_tenth", new double[] {1, 0.5, Double.NaN});
        metrics.put("age/max", 11.0);
        metrics.put("chi2", 1.23e-7);
        assertThat(LedgerTable.lines(metrics, 24))
                .containsExactly(
                        "  loss -0.1235",
                        "  age/max 11",
                        "  chi2 1.230e-07",
                        "  ratio/prefix/mean_by_tenth  1 0.5000 -");
        assertThat(LedgerTable.lines(metrics, 100).getFirst()).isEqualTo("  loss -0.1235  age/max 11  chi2 1.230e-07");
    }
}

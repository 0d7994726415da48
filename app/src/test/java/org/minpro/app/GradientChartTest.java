package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.minpro.config.NamedRecords;
import org.minpro.objective.Grpo;
import org.minpro.objective.Objective;
import org.minpro.objective.Objectives;
import org.minpro.objective.Reinforce;

class GradientChartTest {
    @Test
    void theCoefficientIsThatOfTheFormula() {
        assertThat(GradientChart.coefficient(new Grpo(), 1.1, 1)).isCloseTo(1.1, within(1e-12));
        assertThat(GradientChart.coefficient(new Grpo(), 1.3, 1)).isZero();
        assertThat(GradientChart.coefficient(new Grpo(), 1.3, -1)).isCloseTo(-1.3, within(1e-12));
        assertThat(GradientChart.coefficient(new Grpo(), 0.7, -1)).isZero();
    }

    @Test
    void aConstantCoefficientIsALevelLine() {
        List<String> lines = GradientChart.of(new Reinforce());
        assertThat(lines.get(1)).isEqualTo("     1.00 |" + "*".repeat(49));
        assertThat(lines.get(9)).isEqualTo("     0.00 |" + "-".repeat(49));
        assertThat(lines.get(10)).startsWith("           0.25").endsWith("4");
        assertThat(lines.get(20)).isEqualTo("    -1.00 |" + "*".repeat(49));
    }

    @Tag("slow")
    @Test
    void everyObjectiveHasAChart() {
        for (NamedRecords.Entry<Objective> entry : Objectives.entries()) {
            assertThat(GradientChart.of(Objectives.of(entry.name())))
                    .as(entry.name())
                    .hasSize(22);
        }
    }
}

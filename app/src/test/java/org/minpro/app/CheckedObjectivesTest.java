package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.minpro.objective.Objective;
import org.minpro.objective.ObjectiveInputs;
import org.minpro.objective.ObjectiveResult;
import org.minpro.tensor.Tensor;

/** {@code minpro objectives NAME --check}. */
class CheckedObjectivesTest {
    /** A user's objective with a mistake: its gradient flows through nothing. */
    public record Frozen() implements Objective {
        @Override
        public ObjectiveResult compute(ObjectiveInputs inputs) {
            Tensor losses =
                    inputs.frozenLogProbs().multiply(inputs.advantages()).negate();
            return new ObjectiveResult(losses, null, Map.of(), Map.of());
        }
    }

    @Test
    void anObjectiveOfTheTablePasses() {
        CommandLineRun run = CommandLineRun.of("objectives", "minpro", "--check");
        assertThat(run.code()).as(run.out()).isZero();
        assertThat(run.lines()).hasSizeGreaterThan(8).allMatch(line -> line.startsWith("ok "));
    }

    @Test
    void aUsersMistakeIsNamedWithItsPlace() {
        CommandLineRun run = CommandLineRun.of("objectives", Frozen.class.getName(), "--check");
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.lines())
                .anyMatch(line -> line.startsWith("FAILED  gradient "))
                .anyMatch(line -> line.strip().startsWith("all tokens of all rows: got 0"))
                .anyMatch(line -> line.startsWith("ok      padding "));
    }

    @Test
    void aCheckNeedsAName() {
        assertThat(CommandLineRun.of("objectives", "--check").errors())
                .singleElement()
                .asString()
                .contains("NAME must be given with --check");
    }
}

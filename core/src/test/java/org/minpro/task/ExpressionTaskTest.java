package org.minpro.task;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.minpro.data.Problem;
import org.minpro.tool.Calculator;
import org.minpro.tool.ToolException;

class ExpressionTaskTest {
    @Test
    void theMethodComputesWhatTheWordsSay() throws ToolException {
        ExpressionTask.Formula formula = new ExpressionTask.Formula(List.of("a", "b", "3", "4"), List.of(0, 2, 1));
        assertThat(formula.words()).isEqualTo("a plus b, times 3, minus 4");
        assertThat(formula.java(true)).isEqualTo("(a+b)*3-4");
        assertThat(formula.java(false)).isEqualTo("a+b*3-4");
        assertThat(formula.value(1, 2)).isEqualTo(5);
        int slips = 0;
        for (long draw = 0; draw < 300; draw++) {
            ExpressionTask.Formula drawn = ExpressionTask.training(1).formula(draw);
            slips += drawn.java(true).equals(drawn.java(false)) ? 0 : 1;
            String expression = drawn.java(true).replace("a", "7").replace("b", "11");
            assertThat(new Calculator().calculator(expression))
                    .as(drawn.words())
                    .isEqualTo(String.valueOf(drawn.value(7, 11)));
        }
        assertThat(slips).as("formulas that need parentheses").isBetween(60, 240);
    }

    @Test
    void theHeldOutPartIsApart() {
        Set<String> training = new HashSet<>();
        for (long draw = 0; draw < 2000; draw++) {
            training.add(ExpressionTask.training(1).problem(draw).id());
        }
        for (long draw = 0; draw < 200; draw++) {
            Problem problem = ExpressionTask.heldOut(2).problem(draw);
            assertThat(training).doesNotContain(problem.id());
            assertThat((List<?>) problem.fields().get("tests")).hasSize(4);
        }
    }

    @Test
    void aShareOfTheSumsIsGivenToTheCalculator() {
        Demonstrations solutions = new Demonstrations(ArithmeticTask.training(1, 4), 1, 0.6, 0.5);
        int calls = 0;
        for (long index = 0; index < 500; index++) {
            Demonstration demonstration = new CalculatorDemonstrations(solutions, 0.3).demonstration(index);
            if (demonstration.turns().size() == 3) {
                calls++;
                String total = demonstration.problem().answer();
                String sum = demonstration.problem().id().replace("=", "");
                assertThat(demonstration.turns())
                        .containsExactly(
                                "<tool_call>\n{\"name\": \"calculator\", \"arguments\": {\"expression\": \"" + sum
                                        + "\"}}\n</tool_call>",
                                total,
                                "#" + total);
            } else {
                assertThat(demonstration).isEqualTo(solutions.demonstration(index));
            }
        }
        assertThat(calls).isBetween(120, 180);
    }
}

package org.minpro.environment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.minpro.data.Message;
import org.minpro.data.Problem;
import org.minpro.tool.Calculator;

class ToolUseTest {
    private static final Problem PROBLEM = Problem.of("p", "1+2=", "3");

    private static String call(String name, String expression) {
        return "<tool_call>\n{\"name\": \"" + name + "\", \"arguments\": {\"expression\": \"" + expression
                + "\"}}\n</tool_call>";
    }

    private static List<String> answers(Episode episode, int turn, String text) {
        return episode.answer(new Turn(turn, new int[0], text)).messages().stream()
                .map(Message::content)
                .toList();
    }

    @Test
    void callsAreAnsweredAndATurnWithoutOneEndsTheEpisode() {
        ToolUse tools = new ToolUse(List.of(new Calculator()), 3, 0.1);
        assertThat(tools.toolSchemas()).hasSize(1);
        Episode episode = tools.begin(PROBLEM, 0, 0);
        Answer two = episode.answer(new Turn(0, new int[0], call("calculator", "1+2") + call("abacus", "1+2")));
        assertThat(two.messages()).extracting(Message::role).containsOnly("tool");
        assertThat(two.messages())
                .extracting(Message::content)
                .containsExactly("3", "error: there is no tool 'abacus'; the tools are [calculator]");
        assertThat(two.reward()).isEqualTo(-0.2);
        assertThat(answers(episode, 1, call("calculator", "1/0"))).containsExactly("error: division by zero");
        assertThat(answers(episode, 2, call("calculator", "1+2")))
                .containsExactly("error: there are no more calls; answer now");
        assertThat(answers(episode, 3, "It is 3.")).isEmpty();
        assertThat(episode.parts()).containsEntry("calls", 4.0).containsEntry("failed-calls", 3.0);
    }

    @Test
    void functionsMustHaveDifferentNames() {
        assertThatThrownBy(() -> new ToolUse(List.of(new Calculator(), new Calculator())).opened())
                .hasMessage("tools must be such that functions have different names, got: two of calculator");
    }
}

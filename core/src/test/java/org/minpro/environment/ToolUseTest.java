package org.minpro.environment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.minpro.data.Message;
import org.minpro.data.Problem;
import org.minpro.tool.Calculator;
import org.minpro.tool.ToolFunction;
import org.minpro.tool.Toolbox;

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

    /** Has one function of that name, and counts those that are open; one that does not start has none. */
    private record Counted(String name, AtomicInteger open, boolean starts) implements Toolbox {
        @Override
        public List<ToolFunction> functions() {
            if (!starts) {
                throw new IllegalArgumentException("does not start");
            }
            open.incrementAndGet();
            return List.of(new ToolFunction() {
                @Override
                public String name() {
                    return name;
                }

                @Override
                public Map<String, @Nullable Object> schema() {
                    return Map.of();
                }

                @Override
                public String call(Map<String, @Nullable Object> arguments) {
                    return name;
                }

                @Override
                public void close() {
                    open.decrementAndGet();
                }
            });
        }
    }

    @Test
    void whatWasOpenedIsClosed() {
        AtomicInteger open = new AtomicInteger();
        Toolbox a = new Counted("a", open, true);
        for (Toolbox other : List.of(new Counted("a", open, true), new Counted("b", open, false))) {
            assertThatThrownBy(() -> new ToolUse(List.of(a, other)).opened())
                    .isInstanceOf(IllegalArgumentException.class);
            assertThat(open).hasValue(0);
        }
        ToolUse tools = new ToolUse(List.of(a, new Counted("b", open, true)));
        try (Episode episode = tools.begin(PROBLEM, 0, 0)) {
            assertThat(open).hasValue(2);
            assertThat(episode.parts()).containsEntry("calls", 0.0);
        }
        assertThat(open).hasValue(0);
        try (Environment opened = tools.opened()) {
            opened.begin(PROBLEM, 0, 0).close();
            assertThat(open).hasValue(2);
        }
        assertThat(open).hasValue(0);
    }

    @Test
    void functionsMustHaveDifferentNames() {
        assertThatThrownBy(() -> new ToolUse(List.of(new Calculator(), new Calculator())).opened())
                .hasMessage("tools must be such that functions have different names, got: two of calculator");
    }
}

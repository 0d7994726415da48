package org.minpro.mcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.minpro.data.Problem;
import org.minpro.environment.Environment;
import org.minpro.environment.Episode;
import org.minpro.environment.ToolUse;
import org.minpro.environment.Turn;

/** Against a server of the SDK in a process of its own, and against one that is written out after the protocol. */
class McpToolboxTest {
    private static McpToolbox toolbox(List<String> only) {
        return new McpToolbox(
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        AddingServer.class.getName()),
                "",
                only,
                60,
                true);
    }

    private static String call(String name, String arguments) {
        return "<tool_call>\n{\"name\": \"" + name + "\", \"arguments\": " + arguments + "}\n</tool_call>";
    }

    @Tag("slow")
    @Test
    void theToolsOfAServerAreCalledAsAllOthers() throws Exception {
        List<ProcessHandle> servers;
        try (Environment tools = new ToolUse(List.of(toolbox(List.of()))).opened()) {
            assertThat(tools.toolSchemas())
                    .extracting(schema ->
                            String.valueOf(((Map<?, ?>) Objects.requireNonNull(schema.get("function"))).get("name")))
                    .containsExactlyInAnyOrder("add", "refuse");
            servers = ProcessHandle.current().children().toList();
            assertThat(servers).isNotEmpty();
            Episode episode = tools.begin(Problem.of("p", "2+3=", "5"), 0, 0);
            assertThat(said(episode, 0, call("add", "{\"a\": 2, \"b\": 3}"))).isEqualTo("5");
            assertThat(said(episode, 1, call("refuse", "{}"))).isEqualTo("error: not today");
            assertThat(said(episode, 2, call("add", "{\"a\": 2}"))).startsWith("error: ");
            assertThat(episode.answer(new Turn(3, new int[0], "5")).messages()).isEmpty();
        }
        for (ProcessHandle server : servers) {
            server.onExit().get(30, TimeUnit.SECONDS);
        }
    }

    private static McpToolbox at(String url) {
        return new McpToolbox(List.of(), url, List.of("add"), 5, true);
    }

    @Tag("slow")
    @ParameterizedTest
    @ValueSource(strings = {"/mcp", "/tools/of/someone", "/mcp?key=none&other=%2F"})
    void theToolsOfAnAddressAreCalledOverStreamableHttp(String path) {
        try (HttpAddingServer server = new HttpAddingServer(path)) {
            try (Environment tools = new ToolUse(List.of(at(server.url()))).opened()) {
                Episode episode = tools.begin(Problem.of("p", "2+3=", "5"), 0, 0);
                assertThat(said(episode, 0, call("add", "{\"a\": 2, \"b\": 3}")))
                        .isEqualTo("5");
                Episode other = tools.begin(Problem.of("q", "20+30=", "50"), 1, 0);
                assertThat(said(other, 0, call("add", "{\"a\": 20, \"b\": 30}") + call("add", "{\"a\": 1}")))
                        .isEqualTo("50");
                assertThat(said(episode, 1, call("add", "{\"a\": 2}")))
                        .isEqualTo("error: a and b must be whole numbers");
            }
            // A run connects once, and ends its session.
            assertThat(server.asked())
                    .startsWith("initialize")
                    .containsOnlyOnce("initialize", "tools/list", "DELETE")
                    .filteredOn("tools/call"::equals)
                    .hasSize(4);
        }
    }

    @Tag("slow")
    @Test
    void aServerThatIsGoneIsNoAnswerOfItsTool() {
        HttpAddingServer server = new HttpAddingServer("/mcp");
        try (Environment tools = new ToolUse(List.of(at(server.url()))).opened()) {
            Episode episode = tools.begin(Problem.of("p", "2+3=", "5"), 0, 0);
            assertThat(said(episode, 0, call("add", "{\"a\": 2, \"b\": 3}"))).isEqualTo("5");
            server.close();
            // An episode that throws leaves its response undecided.
            assertThatThrownBy(() -> episode.answer(new Turn(1, new int[0], call("add", "{\"a\": 2, \"b\": 3}"))))
                    .isInstanceOf(RuntimeException.class);
        }
        assertThatThrownBy(() -> at(server.url()).functions())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("an MCP server must answer at " + server.url() + ", got: ");
    }

    private static String said(Episode episode, int turn, String text) {
        return episode.answer(new Turn(turn, new int[0], text))
                .messages()
                .getFirst()
                .content();
    }

    @Tag("slow")
    @Test
    void aServerThatIsNotThereOrHasNotTheToolIsRefused() {
        assertThatThrownBy(() -> toolbox(List.of("divide")).functions())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("only must be names of the server's tools")
                .hasMessageContaining("divide");
        assertThatThrownBy(() -> new McpToolbox(List.of(), "", List.of(), 30, false))
                .hasMessage("command must be given, or url, and not both, got: [] and ''");
        assertThatThrownBy(() -> new McpToolbox(List.of("no-such-server-at-all"), "", List.of(), 5, false).functions())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("an MCP server must answer at [no-such-server-at-all], got: ");
    }
}

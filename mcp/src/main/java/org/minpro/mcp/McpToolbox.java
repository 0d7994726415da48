package org.minpro.mcp;

import io.modelcontextprotocol.client.McpClient;
import io.modelcontextprotocol.client.McpSyncClient;
import io.modelcontextprotocol.client.transport.HttpClientStreamableHttpTransport;
import io.modelcontextprotocol.client.transport.ServerParameters;
import io.modelcontextprotocol.client.transport.StdioClientTransport;
import io.modelcontextprotocol.json.McpJsonDefaults;
import io.modelcontextprotocol.spec.McpClientTransport;
import io.modelcontextprotocol.spec.McpSchema;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.tool.ToolFunction;
import org.minpro.tool.Toolbox;

/**
 * The tools of an MCP server: one that is started and speaks over its standard streams, or one at an address (streamable HTTP).
 * The server checks arguments and computes; what it says is told to the policy.
 *
 * @param command that starts the server
 * @param url of the server
 */
public record McpToolbox(
        @Doc(
                "Command that starts a server which speaks over its standard streams, such as [npx, my-server]; [] with url.")
        List<String> command,

        @Doc("http or https address of a server that speaks streamable HTTP; '' with command.")
        String url,

        @Doc("Names of the tools that are taken; [] takes all.")
        List<String> only,

        @Doc("Time that the server has for each answer, seconds, > 0.")
        double seconds,

        @Doc("Whether the same call always has the same answer.")
        boolean repeatable)
        implements Toolbox {
    public McpToolbox {
        command = List.copyOf(command);
        only = List.copyOf(only);
        Rule.check(
                command.isEmpty() != url.isEmpty(),
                "command",
                "given, or url, and not both",
                command + " and '" + url + "'");
        Rule.check(seconds > 0 && seconds <= 86_400, "seconds", "in (0, 86400]", seconds);
    }

    /** Half a minute for an answer; all tools; answers may change. */
    public McpToolbox() {
        this(List.of("mcp-server"), "", List.of(), 30, false);
    }

    /** A server that a command starts. */
    public static McpToolbox of(String... command) {
        return new McpToolbox(List.of(command), "", List.of(), 30, false);
    }

    private McpClientTransport transport() {
        if (!command.isEmpty()) {
            return new StdioClientTransport(
                    new ServerParameters.Builder(command.getFirst())
                            .args(command.subList(1, command.size()))
                            .build(),
                    McpJsonDefaults.getMapper());
        }
        URI address = URI.create(url);
        String path = address.getRawPath() == null || address.getRawPath().isEmpty() ? "/mcp" : address.getRawPath();
        String query = address.getRawQuery() == null ? "" : "?" + address.getRawQuery();
        return HttpClientStreamableHttpTransport.builder(address.resolve("/").toString())
                .endpoint(path + query)
                .build();
    }

    /** Ends a connection, and the server if a command started it. */
    static void end(McpSyncClient client) {
        // close alone may leave the server's process behind.
        if (!client.closeGracefully()) {
            client.close();
        }
    }

    /**
     * Connects, and lists the server's tools.
     *
     * @throws IllegalArgumentException if there is no such server, or it has not the tools that are asked for
     */
    @Override
    public List<ToolFunction> functions() {
        Duration timeout = Duration.ofNanos((long) (seconds * 1e9));
        McpSyncClient client = McpClient.sync(transport())
                .requestTimeout(timeout)
                .initializationTimeout(timeout)
                .build();
        try {
            client.initialize();
            List<ToolFunction> functions = new ArrayList<>();
            List<String> names = new ArrayList<>();
            for (McpSchema.Tool tool : client.listTools().tools()) {
                names.add(tool.name());
                if (only.isEmpty() || only.contains(tool.name())) {
                    functions.add(new McpFunction(client, tool));
                }
            }
            Rule.check(names.containsAll(only), "only", "names of the server's tools, " + names, only);
            Rule.check(!functions.isEmpty(), "command", "of a server with tools", "none");
            return functions;
        } catch (RuntimeException e) {
            end(client);
            throw e instanceof IllegalArgumentException own
                    ? own
                    : new IllegalArgumentException(
                            "an MCP server must answer at " + (command.isEmpty() ? url : command) + ", got: " + e, e);
        }
    }
}

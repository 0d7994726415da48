package org.minpro.mcp;

import io.modelcontextprotocol.client.McpSyncClient;
import io.modelcontextprotocol.spec.McpError;
import io.modelcontextprotocol.spec.McpSchema;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.minpro.tool.ToolException;
import org.minpro.tool.ToolFunction;

/** A tool of an MCP server; the functions of a server share its connection. */
final class McpFunction implements ToolFunction {
    private final McpSyncClient client;
    private final McpSchema.Tool tool;

    McpFunction(McpSyncClient client, McpSchema.Tool tool) {
        this.client = client;
        this.tool = tool;
    }

    @Override
    public String name() {
        return tool.name();
    }

    @Override
    public Map<String, @Nullable Object> schema() {
        Map<String, @Nullable Object> function = new LinkedHashMap<>();
        function.put("name", tool.name());
        function.put("description", tool.description() == null ? "" : tool.description());
        function.put("parameters", tool.inputSchema());
        Map<String, @Nullable Object> schema = new LinkedHashMap<>();
        schema.put("type", "function");
        schema.put("function", function);
        return schema;
    }

    @Override
    public String call(Map<String, @Nullable Object> arguments) throws ToolException {
        Map<String, Object> given = new LinkedHashMap<>();
        arguments.forEach((name, value) -> {
            if (value != null) {
                given.put(name, value);
            }
        });
        McpSchema.CallToolResult result;
        try {
            result = client.callTool(McpSchema.CallToolRequest.builder(tool.name())
                    .arguments(given)
                    .build());
        } catch (McpError e) {
            // The server's own refusal is the policy's to read; a lost connection is not, and leaves the response
            // undecided.
            throw new ToolException(String.valueOf(e.getMessage()), e);
        }
        String text = result.content().stream()
                .map(content -> content instanceof McpSchema.TextContent said
                        ? said.text()
                        : "(" + Objects.requireNonNull(content).type() + ")")
                .collect(Collectors.joining("\n"));
        if (Boolean.TRUE.equals(result.isError())) {
            throw new ToolException(text);
        }
        return text;
    }

    @Override
    public void close() {
        McpToolbox.end(client);
    }
}

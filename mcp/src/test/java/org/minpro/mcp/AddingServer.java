package org.minpro.mcp;

import io.modelcontextprotocol.json.McpJsonDefaults;
import io.modelcontextprotocol.server.McpServer;
import io.modelcontextprotocol.server.McpServerFeatures;
import io.modelcontextprotocol.server.transport.StdioServerTransportProvider;
import io.modelcontextprotocol.spec.McpSchema;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;

/** A server with two tools, over its standard streams. */
final class AddingServer {
    private AddingServer() {}

    private static McpServerFeatures.SyncToolSpecification tool(
            String name, Map<String, Object> properties, List<String> required, Answer answer) {
        McpSchema.Tool tool = McpSchema.Tool.builder(
                        name, Map.of("type", "object", "properties", properties, "required", required))
                .description("For a test.")
                .build();
        return McpServerFeatures.SyncToolSpecification.builder()
                .tool(tool)
                .callHandler((exchange, request) -> answer.to(request.arguments()))
                .build();
    }

    private static int number(Map<String, Object> given, String name) {
        return ((Number) Objects.requireNonNull(given.get(name))).intValue();
    }

    private interface Answer {
        McpSchema.CallToolResult to(Map<String, Object> arguments);
    }

    private static McpSchema.CallToolResult result(String text, boolean isError) {
        return McpSchema.CallToolResult.builder(
                        List.of(McpSchema.TextContent.builder(text).build()))
                .isError(isError)
                .build();
    }

    public static void main(String[] arguments) throws InterruptedException {
        Map<String, Object> number = Map.of("type", "integer");
        McpServer.sync(new StdioServerTransportProvider(McpJsonDefaults.getMapper()))
                .serverInfo("adding", "1")
                .capabilities(
                        McpSchema.ServerCapabilities.builder().tools(false).build())
                .tools(
                        tool(
                                "add",
                                Map.of("a", number, "b", number),
                                List.of("a", "b"),
                                given -> result(String.valueOf(number(given, "a") + number(given, "b")), false)),
                        tool("refuse", Map.of(), List.of(), given -> result("not today", true)))
                .build();
        new CountDownLatch(1).await();
    }
}

package org.minpro.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ToolsTest {
    /** Where something is sold. */
    public enum Shop {
        NORTH,
        SOUTH
    }

    /** Tools as a user writes them. */
    public record Prices() implements Toolbox {
        @Tool("The price of an order.")
        public double price(
                @Argument(name = "items", value = "What is ordered.") List<String> items,
                @Argument(name = "count", value = "Of each.") int count,
                @Argument(name = "shop", value = "Where.") Shop shop,
                @Argument(name = "discount", value = "A share.", optional = true) @Nullable Double discount)
                throws ToolException {
            if (count == 0) {
                throw new ToolException("nothing is ordered");
            }
            if (count < 0) {
                throw new IllegalStateException("count is negative");
            }
            return items.size() * count * (shop == Shop.NORTH ? 2 : 3) * (1 - (discount == null ? 0 : discount));
        }
    }

    private static String call(Map<String, @Nullable Object> arguments) throws ToolException {
        return new Prices().functions().getFirst().call(arguments);
    }

    @Test
    void aMethodIsAFunctionWithASchema() throws ToolException {
        ToolFunction price = new Prices().functions().getFirst();
        assertThat(price.name()).isEqualTo("price");
        assertThat(price.schema())
                .isEqualTo(Map.of(
                        "type",
                        "function",
                        "function",
                        Map.of(
                                "name",
                                "price",
                                "description",
                                "The price of an order.",
                                "parameters",
                                Map.of(
                                        "type",
                                        "object",
                                        "properties",
                                        Map.of(
                                                "items",
                                                Map.of(
                                                        "type",
                                                        "array",
                                                        "items",
                                                        Map.of("type", "string"),
                                                        "description",
                                                        "What is ordered."),
                                                "count",
                                                Map.of("type", "integer", "description", "Of each."),
                                                "shop",
                                                Map.of(
                                                        "type",
                                                        "string",
                                                        "enum",
                                                        List.of("NORTH", "SOUTH"),
                                                        "description",
                                                        "Where."),
                                                "discount",
                                                Map.of("type", "number", "description", "A share.")),
                                        "required",
                                        List.of("items", "count", "shop")))));
        assertThat(call(Map.of("items", List.of("a", "b"), "count", 3, "shop", "SOUTH")))
                .isEqualTo("18.0");
        assertThat(call(Map.of("items", List.of("a"), "count", 1L, "shop", "NORTH", "discount", 0.5)))
                .isEqualTo("1.0");
    }

    @Test
    void argumentsAreCheckedAgainstTheirTypes() {
        refused(Map.of("items", List.of(), "shop", "NORTH"), "argument 'count' is missing");
        refused(
                Map.of("items", List.of(), "count", "3", "shop", "NORTH"),
                "argument 'count' must be of type integer, got: 3");
        refused(
                Map.of("items", List.of(), "count", 1L << 40, "shop", "NORTH"),
                "argument 'count' must be an integer of 32 bits, got: 1099511627776");
        refused(Map.of("items", "a", "count", 1, "shop", "NORTH"), "argument 'items' must be a list, got: a");
        refused(
                Map.of("items", List.of(1), "count", 1, "shop", "NORTH"),
                "argument 'items' must be of type string, got: 1");
        refused(
                Map.of("items", List.of(), "count", 1, "shop", "WEST"),
                "argument 'shop' must be one of [NORTH, SOUTH], got: WEST");
        refused(
                Map.of("items", List.of(), "count", 1, "shop", "NORTH", "tip", 1),
                "there is no argument 'tip'; the arguments are [items, count, shop, discount]");
        refused(Map.of("items", List.of(), "count", 0, "shop", "NORTH"), "nothing is ordered");
        refused(Map.of("items", List.of(), "count", -1, "shop", "NORTH"), "count is negative");
    }

    private static void refused(Map<String, @Nullable Object> arguments, String message) {
        assertThatThrownBy(() -> call(arguments))
                .isInstanceOf(ToolException.class)
                .hasMessage(message);
    }

    @Test
    void callsAreReadAsModelsWriteThem() {
        assertThat(ToolCall.in("""
                        I compute it.
                        <tool_call>
                        {"name": "calculator", "arguments": {"expression": "1+2"}}
                        </tool_call>
                        <tool_call>
                        {"name": "other", "arguments": {"x": [1, 2.5, true, null]}}
                        </tool_call>""")).extracting(ToolCall::name).containsExactly("calculator", "other");
        assertThat(ToolCall.in("{\"name\": \"calculator\", \"parameters\": {\"expression\": \"1+2\"}}"))
                .containsExactly(new ToolCall("calculator", Map.of("expression", "1+2"), ""));
        assertThat(ToolCall.in("The answer is {3}.")).isEmpty();
        assertThat(ToolCall.in("<tool_call>\n{\"name\": \"calculator\"\n</tool_call>"))
                .extracting(ToolCall::error)
                .containsExactly("a call must be JSON, {\"name\": \"…\", \"arguments\": {…}}");
        assertThat(ToolCall.in("<tool_call>[1]</tool_call>"))
                .extracting(ToolCall::error)
                .containsExactly("a call must be {\"name\": \"…\", \"arguments\": {…}}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "1+2*3 | 7",
                "(1 + 2) * 3 | 9",
                "-2*-3 | 6",
                "10/4 | 2.5",
                "1/3 | 0.333333333333",
                "0.1+0.2 | 0.3",
                "2*(3 | expected a closing parenthesis at character 5 of '2*(3'",
                "1/0 | division by zero",
                "two | expected a number at character 1 of 'two'",
                "1 2 | expected an operator at character 3 of '1 2'"
            })
    void theCalculatorComputes(String expression, String result) {
        String said;
        try {
            said = new Calculator().calculator(expression);
        } catch (ToolException e) {
            said = e.getMessage();
        }
        assertThat(said).isEqualTo(result);
    }

    @Test
    void theCalculatorRefusesWhatIsTooLongOrTooDeep() {
        assertThatThrownBy(() -> new Calculator().calculator("(".repeat(100) + "1"))
                .hasMessage("too many parentheses");
        assertThatThrownBy(() -> new Calculator().calculator("1+".repeat(300) + "1"))
                .hasMessage("an expression must have at most 500 characters");
    }
}

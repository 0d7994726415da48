package org.minpro.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Against bench/goldens/text_chat_options.py: what a line's options do is what transformers does. */
final class ChatOptionsTest {
    private static final LocalDate TODAY = LocalDate.of(2026, 3, 7);

    @TempDir
    static Path folder;

    private static ChatTemplate template(String name, @Nullable String text, JsonNode special) throws IOException {
        Path model = Files.createDirectories(folder.resolve(name));
        if (text != null) {
            Files.writeString(model.resolve("chat_template.jinja"), text);
            Files.writeString(model.resolve("tokenizer_config.json"), special.toString());
        } else {
            for (String file : List.of("tokenizer_config.json", "chat_template.jinja")) {
                if (name.equals("qwen3") && file.endsWith("jinja")) {
                    continue;
                }
                try (InputStream in = TextGoldenTest.resource(name + "/" + file)) {
                    Files.write(model.resolve(file), in.readAllBytes());
                }
            }
        }
        return ChatTemplate.load(model, TODAY);
    }

    @TestFactory
    @SuppressWarnings("unchecked")
    Stream<DynamicTest> optionsOfALineDoWhatTransformersDoes() {
        JsonNode goldens = JsonMapper.shared().readTree(TextGoldenTest.resource("chat_options.json"));
        int[] number = {0};
        assertThat(goldens.get("cases").size()).isGreaterThan(100);
        return goldens.get("cases").valueStream().map(golden -> {
            String name = golden.get("template").stringValue();
            return DynamicTest.dynamicTest(name + " " + number[0]++, () -> {
                JsonNode text = goldens.get("templates").get(name);
                ChatTemplate template =
                        template(name, text.isNull() ? null : text.stringValue(), goldens.get("special_tokens"));
                Map<String, Object> line = JsonMapper.shared().treeToValue(golden.get("line"), Map.class);
                List<Map<String, Object>> messages =
                        (List<Map<String, Object>>) Objects.requireNonNull(line.get("messages"));
                if (golden.has("text")) {
                    assertThat(template.render(messages, ChatOptions.of(line, false)))
                            .isEqualTo(golden.get("text").stringValue());
                } else {
                    assertThatThrownBy(() -> template.render(messages, ChatOptions.of(line, false)))
                            .as(golden.get("error").stringValue())
                            .isInstanceOf(TextException.class);
                }
            });
        });
    }

    @Test
    void aMessageThatIsContinuedGetsNoNewHeader() {
        assertThat(ChatOptions.of(Map.of("continue_final_message", true), true).addGenerationPrompt())
                .isFalse();
        assertThat(ChatOptions.of(Map.of(), true).addGenerationPrompt()).isTrue();
    }

    @Test
    void takesToolsThatAreJson() {
        assertThat(ChatOptions.of(Map.of("tools", "[{\"type\":\"function\"}]"), true)
                        .tools())
                .isEqualTo(List.of(Map.of("type", "function")));
        assertThatThrownBy(() -> ChatOptions.of(Map.of("tools", "a calculator"), true))
                .hasMessage("field 'tools' must be a list of objects, or JSON of one, got: \"a calculator\"");
    }

    @Test
    void refusesTwoNamesOfOneThingAndOtherKinds() {
        assertThatThrownBy(() ->
                        ChatOptions.of(Map.of("template_variables", Map.of(), "chat_template_kwargs", Map.of()), true))
                .hasMessageContaining("give one");
        assertThatThrownBy(() -> ChatOptions.of(Map.of("documents", List.of(1)), true))
                .hasMessage("field 'documents' must be made of JSON objects, got: 1");
        assertThatThrownBy(() -> ChatOptions.of(Map.of("continue_final_message", 1), true))
                .hasMessageContaining("true, false or a member's name, got: 1");
    }

    @Test
    void namesTheVariableThatIsNearlyOneOfTheTemplate() throws IOException {
        JsonNode none = JsonMapper.shared().createObjectNode();
        ChatTemplate template =
                template("thinks", "{% if enable_thinking %}t{% endif %}{{ messages[0].content }}", none);
        List<Map<String, String>> messages = List.of(Map.of("role", "user", "content", "q"));
        assertThatThrownBy(() -> template.render(messages, null, true, Map.of("enable_thinkin", false)))
                .isInstanceOf(TextException.class)
                .hasMessageContaining("got: enable_thinkin. Did you mean 'enable_thinking'?");
        assertThat(template.render(messages, null, true, Map.of("style", 1))).isEqualTo("q");
    }
}

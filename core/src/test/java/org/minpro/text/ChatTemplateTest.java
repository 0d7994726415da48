package org.minpro.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

class ChatTemplateTest {
    private static final LocalDate TODAY = LocalDate.of(2026, 11, 23);
    private static final List<Map<String, Object>> HELLO = List.of(Map.of("role", "user", "content", "Hello"));

    @TempDir
    Path folder;

    private void file(String name, String text) throws IOException {
        Path path = folder.resolve(name);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private void config(Object chatTemplate) throws IOException {
        file(
                "tokenizer_config.json",
                JsonMapper.shared().writeValueAsString(Map.of("bos_token", "<s>", "chat_template", chatTemplate)));
    }

    private String render(String template) throws IOException {
        file("chat_template.jinja", template);
        return ChatTemplate.load(folder, TODAY).render(HELLO, null, false, Map.of());
    }

    private String rendered() {
        return ChatTemplate.load(folder, TODAY).render(HELLO, null, false, Map.of());
    }

    @Test
    void aTemplateFileWinsOverTheConfiguration() throws IOException {
        config("from the configuration");
        assertThat(rendered()).isEqualTo("from the configuration");
        file("chat_template.jinja", "from the file");
        assertThat(rendered()).isEqualTo("from the file");
    }

    @Test
    void takesTheNamedTemplateForTools() throws IOException {
        config(List.of(
                Map.of("name", "default", "template", "default {{ tools is none }}"),
                Map.of("name", "tool_use", "template", "tools {{ tools | length }}")));
        ChatTemplate template = ChatTemplate.load(folder, TODAY);
        assertThat(template.render(HELLO, null, false, Map.of())).isEqualTo("default True");
        assertThat(template.render(HELLO, List.of(Map.of("name", "f")), false, Map.of()))
                .isEqualTo("tools 1");
        assertThat(template.render(HELLO, List.of(), false, Map.of())).isEqualTo("tools 0");
    }

    @Test
    void readsMoreTemplateFiles() throws IOException {
        file("chat_template.jinja", "default");
        file("additional_chat_templates/tool_use.jinja", "with tools");
        ChatTemplate template = ChatTemplate.load(folder, TODAY);
        assertThat(template.render(HELLO, null, false, Map.of())).isEqualTo("default");
        assertThat(template.render(HELLO, List.of(), false, Map.of())).isEqualTo("with tools");
    }

    @Test
    void needsADefaultTemplate() throws IOException {
        config(List.of(Map.of("name", "tool_use", "template", "x")));
        assertThatThrownBy(this::rendered)
                .isInstanceOf(TextException.class)
                .hasMessageContaining("named default")
                .hasMessageContaining("tool_use");
    }

    @Test
    void aFolderWithoutTemplateHasNone() throws IOException {
        assertThat(ChatTemplate.find(folder, TODAY)).isEmpty();
        file("tokenizer_config.json", "{\"chat_template\": null}");
        assertThat(ChatTemplate.find(folder, TODAY)).isEmpty();
        assertThatThrownBy(() -> ChatTemplate.load(folder, TODAY))
                .isInstanceOf(TextException.class)
                .hasMessageContaining("chat_template.jinja")
                .hasMessageContaining("which has none");
        config(7);
        assertThatThrownBy(() -> ChatTemplate.load(folder, TODAY))
                .isInstanceOf(TextException.class)
                .hasMessageContaining("must be a text or a list");
    }

    @Test
    void seesTheDateOfTheRunAndNoOther() throws IOException {
        assertThat(render("{{ strftime_now('%d %b %Y %H:%M') }}")).isEqualTo("23 Nov 2026 00:00");
    }

    @Test
    void variablesWinOverSpecialTokens() throws IOException {
        config("{{ bos_token }}|{{ eos_token is defined }}|{{ more }}|{{ documents }}");
        ChatTemplate template = ChatTemplate.load(folder, TODAY);
        assertThat(template.render(HELLO, null, false, Map.of())).isEqualTo("<s>|False||None");
        assertThat(template.render(HELLO, null, false, Map.of("bos_token", "B", "more", List.of(1, true))))
                .isEqualTo("B|False|[1, True]|None");
        assertThatThrownBy(() -> template.render(HELLO, null, false, Map.of("messages", List.of())))
                .isInstanceOf(TextException.class)
                .hasMessageContaining("messages");
    }

    @Test
    void aNullInAMessageCountsAsAbsent() throws IOException {
        file("chat_template.jinja", "{{ messages[0].content is defined }} {{ messages[0] }}");
        Map<String, Object> message = new HashMap<>();
        message.put("role", "user");
        message.put("content", null);
        assertThat(ChatTemplate.load(folder, TODAY).render(List.of(message), null, false, Map.of()))
                .isEqualTo("False {'role': 'user'}");
    }

    @Test
    void refusesAnEmptyConversation() throws IOException {
        file("chat_template.jinja", "x");
        ChatTemplate template = ChatTemplate.load(folder, TODAY);
        assertThatThrownBy(() -> template.render(List.of(), null, false, Map.of()))
                .isInstanceOf(TextException.class)
                .hasMessageContaining("at least one message");
    }

    @Test
    void namesTheLineThatFails() {
        assertThatThrownBy(() -> render("one\n{% if %}"))
                .isInstanceOf(TextException.class)
                .hasMessageContaining(folder.toString())
                .hasMessageContaining("line 2");
        assertThatThrownBy(() -> render("one\ntwo\n{{ raise_exception('no system prompt') }}"))
                .isInstanceOf(TextException.class)
                .hasMessageContaining("line 3: no system prompt");
    }
}

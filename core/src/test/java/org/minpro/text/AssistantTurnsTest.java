package org.minpro.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.data.Message;
import org.minpro.text.AssistantTurns.Part;

final class AssistantTurnsTest {
    private static final List<Message> TALK = List.of(
            new Message("system", "s"),
            new Message("user", "a"),
            new Message("assistant", "b"),
            new Message("user", "c"),
            new Message("assistant", "d"));

    @TempDir
    Path folder;

    private ChatTemplate template(String model, String... files) throws IOException {
        for (String file : files) {
            try (InputStream in = TextGoldenTest.resource(model + "/" + file)) {
                Files.write(folder.resolve(file), in.readAllBytes());
            }
        }
        return ChatTemplate.load(folder, LocalDate.of(2026, 3, 7));
    }

    @Test
    void findsWhatTheAssistantWrote() throws IOException {
        ChatTemplate template = template("smollm2", "chat_template.jinja", "tokenizer_config.json");
        List<Part> parts = AssistantTurns.of(template, TALK, ChatOptions.of(false), 0);
        assertThat(parts)
                .filteredOn(Part::written)
                .extracting(Part::text)
                .containsExactly("b<|im_end|>\n", "d<|im_end|>\n");
        assertThat(parts.stream().map(Part::text).collect(Collectors.joining()))
                .isEqualTo(template.render(TALK.stream().map(Message::fields).toList(), ChatOptions.of(false)));
        assertThat(AssistantTurns.of(template, TALK, ChatOptions.of(false), 3))
                .filteredOn(Part::written)
                .extracting(Part::text)
                .containsExactly("d<|im_end|>\n");
    }

    @Test
    void refusesATemplateThatIsNotPrefixStableByName() throws IOException {
        ChatTemplate template = template("qwen3", "tokenizer_config.json");
        assertThatThrownBy(() -> AssistantTurns.of(template, TALK, ChatOptions.of(false), 0))
                .isInstanceOf(TextException.class)
                .hasMessageContaining("prefix-stable, got: " + folder)
                .hasMessageContaining("message 3 of 5 otherwise once others follow");
        // One answer alone is the end of its conversation.
        assertThat(AssistantTurns.of(template, TALK.subList(0, 3), ChatOptions.of(false), 0))
                .hasSize(2);
    }

    @Test
    void refusesAConversationWithNothingToLearn() throws IOException {
        ChatTemplate template = template("smollm2", "chat_template.jinja", "tokenizer_config.json");
        assertThatThrownBy(() -> AssistantTurns.of(template, TALK.subList(0, 2), ChatOptions.of(false), 0))
                .hasMessageContaining("must have a turn of the assistant to learn, got: [system, user]");
    }
}

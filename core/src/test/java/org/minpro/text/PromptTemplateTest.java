package org.minpro.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.data.Message;
import org.minpro.data.Problem;

class PromptTemplateTest {
    private static final Problem PROBLEM = new Problem(
            "p-1",
            "What is {1+1}?",
            List.of(),
            "2",
            Map.of("level", 3, "share", 0.5, "tags", List.of("easy", "sum"), "hint", "count"));

    @TempDir
    Path folder;

    private ChatTemplate template() throws IOException {
        Files.writeString(
                folder.resolve("chat_template.jinja"),
                "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
                        + "{% if add_generation_prompt %}[assistant]{% endif %}{{ mode }}");
        return ChatTemplate.load(folder, LocalDate.EPOCH);
    }

    @Test
    void fillsFieldsIn() {
        assertThat(PromptTemplate.plain("{prompt} ({hint}, {level}, {share}, {tags}) {id}: {answer}")
                        .render(PROBLEM))
                .isEqualTo("What is {1+1}? (count, 3, 0.5, [\"easy\",\"sum\"]) p-1: 2");
        assertThat(PromptTemplate.plain("").render(PROBLEM)).isEmpty();
    }

    @Test
    void doubledBracesAreBraces() {
        assertThat(PromptTemplate.plain("\\boxed{{{answer}}} {{}} {{{{x}}}}").render(PROBLEM))
                .isEqualTo("\\boxed{2} {} {{x}}");
    }

    @Test
    void namesTheFieldsThatExist() {
        assertThatThrownBy(() -> PromptTemplate.plain("{question}").render(PROBLEM))
                .isInstanceOf(TextException.class)
                .hasMessageContaining("answer, hint, id, level, prompt, share, tags")
                .hasMessageContaining("{question}")
                .hasMessageContaining("p-1");
    }

    @Test
    void refusesBracesThatAreNoPlaceholder() {
        for (String broken : List.of("{", "a } b", "{}", "{a", "{a{b}}", "\\boxed{", "{ }")) {
            assertThatThrownBy(() -> PromptTemplate.plain(broken))
                    .as(broken)
                    .isInstanceOf(TextException.class)
                    .hasMessageContaining("{{ and }}");
        }
    }

    @Test
    void chatsWithThePromptAsTheUsersMessage() throws IOException {
        assertThat(PromptTemplate.chat(template(), "{prompt}", null, Map.of()).render(PROBLEM))
                .isEqualTo("[user]What is {1+1}?[assistant]");
        assertThat(PromptTemplate.chat(template(), "{prompt} Think.", "Level {level}.", Map.of("mode", "m"))
                        .render(PROBLEM))
                .isEqualTo("[system]Level 3.[user]What is {1+1}? Think.[assistant]m");
    }

    @Test
    void chatsWithTheProblemsOwnMessages() throws IOException {
        List<Message> messages =
                List.of(new Message("user", "a"), new Message("assistant", "b"), new Message("user", "c"));
        Problem problem = new Problem("p-2", null, messages, "", Map.of());
        assertThat(PromptTemplate.chat(template(), "{prompt}", null, Map.of()).render(problem))
                .isEqualTo("[user]a[assistant]b[user]c[assistant]");
        assertThat(PromptTemplate.chat(template(), "{prompt}", "S", Map.of()).render(problem))
                .isEqualTo("[system]S[user]a[assistant]b[user]c[assistant]");
        Problem withSystem =
                new Problem("p-3", null, List.of(new Message("system", "own"), messages.getFirst()), "", Map.of());
        assertThat(PromptTemplate.chat(template(), "{prompt}", "S", Map.of()).render(withSystem))
                .isEqualTo("[system]own[user]a[assistant]");
        assertThatThrownBy(() -> PromptTemplate.plain("{prompt}").render(problem))
                .isInstanceOf(TextException.class)
                .hasMessageContaining("answer, id");
    }
}

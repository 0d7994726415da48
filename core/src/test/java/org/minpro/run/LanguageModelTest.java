package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.minpro.data.Message;
import org.minpro.recipe.ModelSection;
import org.minpro.rollout.Rollout;
import org.minpro.run.LanguageModel.Decoding;
import org.minpro.text.TextException;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LanguageModelTest {
    @SuppressWarnings("NullAway.Init") // before all tests
    private LanguageModel model;

    @BeforeAll
    void load() {
        model = LanguageModel.load(ModelSection.BUILTIN, new LanguageModel.Settings());
    }

    @AfterAll
    void close() {
        model.close();
    }

    @Test
    void theBuiltinModelWritesASum() {
        assertThat(model.generate("12+34=", Decoding.greedy(120))).contains("#");
    }

    @Test
    void piecesComeAsTheyAreWrittenAndAreTheText() {
        List<String> pieces = new ArrayList<>();
        String text = model.generate("12+34=", Decoding.greedy(120), pieces::add);
        assertThat(pieces).hasSizeGreaterThan(3);
        assertThat(String.join("", pieces)).isEqualTo(text);
    }

    @Test
    void aBatchHasItsCompletionsInOrderAndItsOwnStreams() {
        Map<List<Integer>, String> streamed =
                new TreeMap<>((a, b) -> a.toString().compareTo(b.toString()));
        List<Rollout> all =
                model.generate(List.of("1+2=", "34+56="), Decoding.sampled(1, 60), 3, (prompt, sample, text) -> {
                    synchronized (streamed) {
                        streamed.merge(List.of(prompt, sample), text, String::concat);
                    }
                });
        assertThat(all).hasSize(6);
        for (int i = 0; i < 6; i++) {
            assertThat(all.get(i).sample()).isEqualTo(i % 3);
            assertThat(streamed).containsEntry(List.of(i / 3, i % 3), all.get(i).text());
        }
        assertThat(all.get(0).promptIds()).isEqualTo(model.tokenize("1+2="));
        assertThat(all.get(3).promptIds()).isEqualTo(model.tokenize("34+56="));
    }

    @Test
    void aScoreIsWhatTheSamplerSaid() {
        Rollout rollout =
                model.generate(List.of("7+8="), Decoding.sampled(1, 40), 1).getFirst();
        double[] scores = model.score(List.of(rollout.promptIds()), List.of(rollout.responseIds()))
                .getFirst();
        assertThat(scores).hasSize(rollout.length());
        for (int t = 0; t < scores.length; t++) {
            assertThat(scores[t]).isCloseTo(rollout.behaviorLogProbs()[t], within(1e-3));
        }
        assertThat(Arrays.stream(model.score("1+1=", "2")).allMatch(p -> p <= 0))
                .isTrue();
    }

    @Test
    void theSameSeedGivesTheSameTexts() {
        List<String> first = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            try (LanguageModel again = LanguageModel.load(ModelSection.BUILTIN, new LanguageModel.Settings())) {
                first.add(again.generate("12+34=", Decoding.sampled(1.5, 60))
                        + again.generate("12+34=", Decoding.sampled(1.5, 60)));
            }
        }
        assertThat(first.get(0)).isEqualTo(first.get(1));
    }

    @Test
    void whatCannotBeAskedIsSaid() {
        assertThatThrownBy(() -> model.generate(""))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at least one token");
        assertThatThrownBy(() -> model.chat(List.of(new Message("user", "hello")), Decoding.greedy(5)))
                .isInstanceOf(TextException.class)
                .hasMessageContaining("chat template");
    }
}

package org.minpro.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DatasetTest {
    @TempDir
    Path folder;

    private Path file(String name, String... lines) throws IOException {
        return Files.write(folder.resolve(name), List.of(lines));
    }

    private static Dataset numbered(int size) {
        return new Dataset(
                "numbered",
                IntStream.range(0, size)
                        .mapToObj(i -> Problem.of("p" + i, "What is " + i + " + 1?", Integer.toString(i + 1)))
                        .toList());
    }

    @Test
    void rowsOfALargeFileStayInItAndAreTheSame() throws IOException {
        StringBuilder text = new StringBuilder("\uFEFF");
        for (int i = 0; i < 3000; i++) {
            // Lines of all lengths around the buffers' sizes, some blank, some repeated.
            text.append("{\"p\":\"Frage ")
                    .append(i % 2900)
                    .append(" ä€😀")
                    .append(i % 500 == 3 ? "x".repeat(i * 45) : "");
            text.append("\",\"a\":").append(i).append("}").append(i % 7 == 0 ? "\r\n \n" : "\n");
        }
        Path first = Files.writeString(folder.resolve("large1.jsonl"), text);
        Path second = Files.writeString(folder.resolve("large2.jsonl"), "{\"p\":\"last\",\"a\":\"it\"}");
        RowMapping mapping = RowMapping.of("p", "a");
        List<Path> files = List.of(first, second);
        Dataset kept = Dataset.read(files, mapping);
        List<Long> told = new ArrayList<>();
        Dataset stored = Dataset.read(files, mapping, (pass, read, bytes) -> told.add(read), 0);
        assertThat(kept.problems()).isNotInstanceOf(StoredProblems.class).hasSize(2902);
        assertThat(stored.problems()).isInstanceOf(StoredProblems.class);
        assertThat(stored.problems()).isEqualTo(kept.problems());
        assertThat(stored.reading()).isEqualTo(kept.reading());
        assertThat(stored.reading().contradicting()).isEqualTo(99);
        assertThat(stored.split(0.1, 3)).isEqualTo(kept.split(0.1, 3));
        assertThat(stored.limit(7)).isEqualTo(kept.limit(7));
        assertThat(told).isNotEmpty().isSorted();
        ProblemSource one = new DatasetSource(stored.split(0.1, 3).train(), 5);
        ProblemSource other = new DatasetSource(kept.split(0.1, 3).train(), 5);
        for (long draw = 0; draw < 50; draw++) {
            assertThat(one.problem(draw)).isEqualTo(other.problem(draw));
        }

        Files.writeString(second, "{\"p\":\"last\",\"a\":\"IT\"}");
        assertThatThrownBy(() -> stored.problems().getLast())
                .isInstanceOf(DataException.class)
                .hasMessage(second + " must not change while it is in use, got: another row at byte 0. Restore it, and"
                        + " continue the run");
        Files.writeString(second, "{\"p\":");
        assertThatThrownBy(() -> stored.problems().getLast())
                .hasMessageContaining("another row at byte 0")
                .cause()
                .hasMessageContaining("is not valid JSON");
    }

    @Test
    void largeSourcesAreJoinedAndSplitInTheirFiles() throws IOException {
        StringBuilder one = new StringBuilder();
        StringBuilder two = new StringBuilder();
        for (int i = 0; i < 6000; i++) {
            one.append("{\"p\":\"question " + i + "\",\"a\":" + i + "}\n");
            // A tenth repeats the other source, every other time with another answer.
            int number = i % 10 == 0 ? i : 6000 + i;
            two.append("{\"q\":\"question " + number + "\",\"r\":" + (i % 20 == 0 ? i : -i) + "}\n");
        }
        Path first = Files.writeString(folder.resolve("one.jsonl"), one);
        Path second = Files.writeString(folder.resolve("two.jsonl"), two);
        List<Dataset.Pass> passes = new ArrayList<>();
        Dataset.Progress progress = (pass, done, all) -> {
            assertThat(done).isBetween(0L, all);
            passes.add(pass);
        };
        List<Dataset> joined = new ArrayList<>();
        for (long kept : new long[] {Dataset.KEPT_BYTES, 0}) {
            joined.add(Dataset.join(
                    List.of(
                            Dataset.read(List.of(first), RowMapping.of("p", "a"), progress, kept),
                            Dataset.read(List.of(second), RowMapping.of("q", "r"), progress, kept)),
                    progress));
        }
        Dataset kept = joined.getFirst();
        Dataset stored = joined.getLast();
        assertThat(kept.problems()).isNotInstanceOf(IndexedProblems.class).hasSize(11_400);
        assertThat(stored.problems()).isInstanceOf(JoinedProblems.class).isEqualTo(kept.problems());
        assertThat(stored.reading()).isEqualTo(kept.reading()).isEqualTo(new Dataset.Reading(600, 300, 0));
        Dataset.Split split = stored.split(0.1, 3, progress);
        assertThat(split).isEqualTo(kept.split(0.1, 3));
        assertThat(split.train().problems()).isInstanceOf(IndexedProblems.class);
        List<Problem> passed = new ArrayList<>();
        split.heldOut().problems().forEach(passed::add);
        assertThat(passed).isEqualTo(split.heldOut().problems());
        assertThat(passes).contains(Dataset.Pass.values());
    }

    @Test
    void joinedSourcesMustHaveIdsOfTheirOwn() {
        Dataset one = new Dataset("one", List.of(Problem.of("x", "a?", "1"), Problem.of("y", "b?", "2")));
        Dataset two = new Dataset("two", List.of(Problem.of("z", "c?", "1"), Problem.of("y", "d?", "2")));
        assertThatThrownBy(() -> Dataset.join(List.of(one, two), (pass, done, all) -> {}))
                .isInstanceOf(DataException.class)
                .hasMessage("ids must be unique, got: \"y\" in one and in two");
    }

    @Test
    void cutsTheAnswerOutOfAWorkedSolution() throws IOException {
        Path file = file("gsm.jsonl", "{\"question\":\"How many?\",\"answer\":\"2+2 = 4\\n#### 1,004\"}");
        RowMapping mapping = RowMapping.of("question", "answer").withExtraction(new AnswerExtraction("####", null));
        Problem problem = Dataset.read(List.of(file), mapping).problems().getFirst();
        assertThat(problem.answer()).isEqualTo("1,004");
        assertThat(problem.prompt()).isEqualTo("How many?");
        assertThat(problem.fields()).containsKey("answer");
        assertThat(new AnswerExtraction(null, "(\\d+) =").extract("1 = 2 = 3")).isEqualTo("2");
    }

    @Test
    void namesTheLineWithoutAnAnswer() throws IOException {
        Path file = file("gsm.jsonl", "{\"q\":\"a\",\"a\":\"#### 1\"}", "{\"q\":\"b\",\"a\":\"two\"}");
        RowMapping mapping = RowMapping.of("q", "a").withExtraction(new AnswerExtraction("####", null));
        assertThatThrownBy(() -> Dataset.read(List.of(file), mapping))
                .hasMessage(file + ":2: field 'a' must hold an answer after '####', got: \"two\"");
    }

    @Test
    void readsNumericAnswersAsShortestDecimals() throws IOException {
        Path file = file(
                "svamp.jsonl",
                "{\"Body\":\"A.\",\"Question\":\"B?\",\"Answer\":145.0,\"ID\":\"x\"}",
                "{\"Body\":\"C.\",\"Question\":\"D?\",\"Answer\":0.25,\"ID\":\"y\"}",
                "{\"Body\":\"E.\",\"Question\":\"F?\",\"Answer\":7,\"ID\":\"z\"}");
        RowMapping mapping = RowMapping.of("prompt", "Answer")
                .withTemplate(fields -> fields.get("Body") + " " + fields.get("Question"))
                .withId("ID");
        Dataset dataset = Dataset.read(List.of(file), mapping);
        assertThat(dataset.problems()).extracting(Problem::answer).containsExactly("145", "0.25", "7");
        assertThat(dataset.problems()).extracting(Problem::id).containsExactly("x", "y", "z");
        assertThat(dataset.problems()).extracting(Problem::prompt).containsExactly("A. B?", "C. D?", "E. F?");
    }

    @Test
    void takesMessagesWhereThePromptFieldHoldsThem() throws IOException {
        Path file = file("m.jsonl", "{\"p\":[{\"role\":\"user\",\"content\":\"hi\"}],\"a\":\"x\"}");
        Problem problem =
                Dataset.read(List.of(file), RowMapping.of("p", "a")).problems().getFirst();
        assertThat(problem.prompt()).isNull();
        assertThat(problem.messages()).containsExactly(new Message("user", "hi"));
    }

    @Test
    void leavesOutRepeatedPromptsAndCountsThem() throws IOException {
        Path file = file("d.jsonl", "{\"p\":\"a\",\"a\":1}", "{\"p\":\"b\",\"a\":1}", "{\"p\":\"a \",\"a\":1}");
        Dataset dataset = Dataset.read(List.of(file), RowMapping.of("p", "a"));
        assertThat(dataset.size()).isEqualTo(2);
        assertThat(dataset.reading().repeated()).isEqualTo(1);
    }

    @Test
    void countsRowsThatContradictAnEarlierOne() throws IOException {
        Path file = file("d.jsonl", "{\"p\":\"a\",\"a\":1}", "{\"p\":\"a\",\"a\":2}", "{\"p\":\"a\",\"a\":1}");
        assertThat(Dataset.read(List.of(file), RowMapping.of("p", "a"))
                        .reading()
                        .notices())
                .containsExactly("2 rows are left out, because they repeat the prompt of an earlier row; 1 of them has"
                        + " another answer than it: check the data");
    }

    @Test
    void theLastTurnOfAConversationIsTheReference() throws IOException {
        String talk =
                "\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}," + "{\"role\":\"assistant\",\"content\":\"7\"}]";
        Path file = file(
                "m.jsonl",
                "{" + talk.formatted("a") + "}",
                "{" + talk.formatted("b") + ",\"answer\":8}",
                "{" + talk.formatted("c") + ",\"answer\":9,\"continue_final_message\":true}");
        Dataset dataset = Dataset.read(List.of(file), RowMapping.of("prompt", "answer"));
        assertThat(dataset.problems()).extracting(Problem::answer).containsExactly("7", "8", "9");
        assertThat(dataset.problems())
                .extracting(problem -> problem.messages().size())
                .containsExactly(1, 1, 2);
        assertThat(dataset.reading().endedByAssistant()).isEqualTo(2);
    }

    @Test
    void readsNestedFieldsByPath() throws IOException {
        Path file = file("n.jsonl", "{\"p\":{\"q\":[\"x\",\"y\"]},\"r\":{\"t\":\"5\"},\"a.b\":\"plain\"}");
        Problem problem = Dataset.read(
                        List.of(file), RowMapping.of("p.q.1", "r.t").withId("a.b"))
                .problems()
                .getFirst();
        assertThat(problem.prompt()).isEqualTo("y");
        assertThat(problem.answer()).isEqualTo("5");
        assertThat(problem.id()).isEqualTo("plain");
    }

    @Test
    void namesTheFieldThatWasProbablyMeant() throws IOException {
        assertMissing("{\"promt\":\"x\",\"answer\":1}", "field 'prompt' is missing", "Is 'promt' meant?");
        assertMissing("{\"prompt\":\"x\",\"answr\":1}", "field 'answer' is missing", "Is 'answr' meant?");
        assertMissing(
                "{\"mesages\":[],\"answer\":1}", "field 'prompt' is missing", "Is 'mesages' meant for 'messages'?");
        Path file = file("x.jsonl", "{\"prompt\":\"x\",\"reward_model\":{\"ground_trth\":\"1\"}}");
        assertThatThrownBy(() -> Dataset.read(List.of(file), RowMapping.of("prompt", "reward_model.ground_truth")))
                .hasMessageContaining("'reward_model' has 'ground_trth'. Did you mean 'ground_trth'?");
    }

    private void assertMissing(String line, String... expected) throws IOException {
        Path file = file("x.jsonl", line);
        assertThatThrownBy(() -> Dataset.read(List.of(file), RowMapping.of("prompt", "answer")))
                .isInstanceOf(DataException.class)
                .hasMessageContainingAll(expected);
    }

    @Test
    void refusesAnIdGivenTwice() throws IOException {
        Path file = file("d.jsonl", "{\"id\":7,\"p\":\"a\",\"a\":1}", "{\"id\":7,\"p\":\"b\",\"a\":1}");
        assertThatThrownBy(() ->
                        Dataset.read(List.of(file), RowMapping.of("p", "a").withId("id")))
                .hasMessage(file + ":2: field 'id' must be unique, got: \"7\", which " + file + ":1 has too");
    }

    @Test
    void refusesAnEmptyFile() throws IOException {
        Path file = file("empty.jsonl");
        assertThatThrownBy(() -> Dataset.read(List.of(file), RowMapping.of("p", "a")))
                .hasMessage(file + " must hold at least one row, got: none");
    }

    @Test
    void splitsIntoDisjointPartsThatDependOnTheTextAlone() {
        Dataset dataset = numbered(2000);
        Dataset.Split split = dataset.split(0.2, 0);
        assertThat(split.train().size() + split.heldOut().size()).isEqualTo(2000);
        // Five standard deviations of a binomial with n = 2000, p = 0.2.
        assertThat(split.heldOut().size()).isBetween(310, 490);
        Set<String> train =
                split.train().problems().stream().map(Problem::identity).collect(Collectors.toSet());
        assertThat(split.heldOut().problems()).noneMatch(problem -> train.contains(problem.identity()));

        Dataset half =
                new Dataset("half", dataset.problems().subList(1000, 2000).reversed());
        assertThat(new HashSet<>(split.heldOut().problems()))
                .containsAll(half.split(0.2, 0).heldOut().problems());
        assertThat(dataset.split(0.2, 1).heldOut()).isNotEqualTo(split.heldOut());
    }

    @Test
    void splitKeepsCopiesThatDifferInLayoutTogether() {
        for (int i = 0; i < 50; i++) {
            Problem plain = Problem.of("a", "What is " + i + "?", "1");
            Problem spaced = Problem.of("b", " What  is\n" + i + "? ", "1");
            Dataset.Split split = new Dataset("two", List.of(plain, spaced)).split(0.5, 3);
            assertThat(split.train().size()).isIn(0, 2);
        }
    }

    @Test
    void drawsEveryProblemOnceAnEpochInANewOrder() {
        Dataset dataset = numbered(100);
        ProblemSource source = new DatasetSource(dataset, 5);
        List<String> first = ids(source, 0, 100);
        List<String> second = ids(source, 100, 200);
        assertThat(first).doesNotHaveDuplicates().hasSize(100);
        assertThat(second).containsExactlyInAnyOrderElementsOf(first).isNotEqualTo(first);
        assertThat(ids(new DatasetSource(dataset, 6), 0, 100)).isNotEqualTo(first);
    }

    @Test
    void aDrawDoesNotDependOnTheDrawsBefore() {
        Dataset dataset = numbered(37);
        ProblemSource forward = new DatasetSource(dataset, 5);
        List<String> all = ids(forward, 0, 200);
        ProblemSource resumed = new DatasetSource(dataset, 5);
        assertThat(ids(resumed, 150, 200)).isEqualTo(all.subList(150, 200));
        assertThat(resumed.problem(3).id()).isEqualTo(all.get(3));
    }

    @Test
    void orderIsUniformOverPermutations() {
        Dataset dataset = numbered(3);
        ProblemSource source = new DatasetSource(dataset, 9);
        int[] counts = new int[27];
        int epochs = 12_000;
        for (long epoch = 0; epoch < epochs; epoch++) {
            int code = 0;
            for (int i = 0; i < 3; i++) {
                code = code * 3 + (source.problem(epoch * 3 + i).id().charAt(1) - '0');
            }
            counts[code]++;
        }
        double chiSquared = 0;
        int orders = 0;
        for (int count : counts) {
            if (count > 0) {
                orders++;
                chiSquared += Math.pow(count - epochs / 6.0, 2) / (epochs / 6.0);
            }
        }
        assertThat(orders).isEqualTo(6);
        // The 0.999 quantile of a chi-squared distribution with 5 degrees of freedom.
        assertThat(chiSquared).isLessThan(20.5);
    }

    private static List<String> ids(ProblemSource source, long from, long to) {
        return LongStream.range(from, to)
                .mapToObj(draw -> source.problem(draw).id())
                .toList();
    }
}

package org.minpro.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.minpro.data.DataException;
import org.minpro.data.Problem;

final class BenchmarkTest {
    @TempDir
    Path folder;

    private List<Problem> read(String name, String file, String... rows) throws IOException {
        Path path = folder.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, String.join("\n", rows));
        Benchmark benchmark = Benchmark.of(name);
        assertThat(benchmark.file(folder)).isEqualTo(path);
        return benchmark.read(path, "{problem}", Integer.MAX_VALUE);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            aime24        | aime24.jsonl             | {"id":1,"problem":"Q","solution":"\\\\boxed{9}","answer":"025"} | Q | 025
            aime25        | aime25/test.jsonl        | {"problem":"Q","answer":70,"id":"0"}            | Q | 70
            amc23         | amc23.jsonl              | {"problem":"Q","answer":27.0,"question":"other"} | Q | 27
            math500       | math500.jsonl            | {"problem":"Q","solution":"S","answer":"\\\\pi"} | Q | \\pi
            minerva       | minerva_math.jsonl       | {"problem":"Q","solution":"$s=\\\\boxed{1.6} \\\\mathrm{~cm}$"} | Q | 1.6
            olympiadbench | olympiadbench.jsonl      | {"question":"Q","context":null,"final_answer":["$69$,$84$"]} | Q | $69$,$84$
            gsm8k         | gsm8k_test.jsonl         | {"question":"Q","answer":"1+1=2\\n#### 1,234"}   | Q | 1,234
            svamp         | svamp.jsonl              | {"Body":"B","Question":"Q?","Answer":145.0}     | B. Q? | 145
            multiarith    | multiarith.jsonl         | {"input":"Q","target":39}                       | Q | 39
            multiarith    | multiarith/test.jsonl    | {"sQuestion":" Q ","lSolutions":[24.0]}         | Q | 24
            """)
    void readsFilesAsTheirSourcesHaveThem(String name, String file, String row, String prompt, String answer)
            throws IOException {
        Problem problem = read(name, file, row).getFirst();
        assertThat(problem.prompt()).isEqualTo(prompt);
        assertThat(problem.answer()).isEqualTo(answer);
    }

    @Test
    void promptsAreMadeByTheTemplateAndIdsAreNot() throws IOException {
        Path file = folder.resolve("aime25.jsonl");
        Files.writeString(
                file,
                "{\"problem\":\"Find $x$.\",\"answer\":7,\"level\":3}\n{\"problem\":\"Find $x$.\",\"answer\":7}\n");
        Benchmark benchmark = Benchmark.of("aime25");
        List<Problem> usual = benchmark.read(file, Benchmark.PROMPT_TEMPLATE, 9);
        assertThat(usual.getFirst().prompt())
                .isEqualTo("Find $x$.\nPlease reason step by step, and put your final answer within \\boxed{}.");
        List<Problem> other = benchmark.read(file, "({level}) {problem}", 1);
        assertThat(other).singleElement().extracting(Problem::prompt).isEqualTo("(3) Find $x$.");
        assertThat(other.getFirst().id()).isEqualTo(usual.getFirst().id());
        // A text that occurs again stays, under another name.
        assertThat(usual.get(1).id()).isEqualTo(usual.getFirst().id() + "-2");
    }

    @Test
    void promptsOfTheFieldHaveNames() throws IOException {
        Path file = folder.resolve("aime24.jsonl");
        Files.writeString(file, "{\"problem\":\"Find $x$.\",\"answer\":7}\n");
        Benchmark benchmark = Benchmark.of("aime24");
        assertThat(Benchmark.template("boxed")).isEqualTo(Benchmark.PROMPT_TEMPLATE);
        assertThat(benchmark
                        .read(file, Benchmark.template("dapo"), 1)
                        .getFirst()
                        .prompt())
                .startsWith("Solve the following math problem step by step.")
                .contains("\n\nFind $x$.\n\n")
                .endsWith("on its own line after \"Answer:\".");
        assertThat(benchmark
                        .read(file, Benchmark.template("plain"), 1)
                        .getFirst()
                        .prompt())
                .isEqualTo("Find $x$.");
        assertThat(benchmark
                        .read(file, Benchmark.template("question-answer"), 1)
                        .getFirst()
                        .prompt())
                .isEqualTo("Question:\nFind $x$.\n\nAnswer:\nLet's think step by step.");
        assertThat(Benchmark.template("({level}) {problem}")).isEqualTo("({level}) {problem}");
        assertThatThrownBy(() -> Benchmark.template("boxd"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "--prompt-template must hold {problem}, or must be one of boxed, dapo, plain, question-answer,"
                                + " got: boxd. Did you mean 'boxed'?");
    }

    @Test
    void badInputGetsOneLineWithItsPlace() {
        assertThatThrownBy(() -> Benchmark.of("amie24"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a benchmark must be one of aime24, aime25, amc23, math500, minerva, olympiadbench, gsm8k,"
                        + " svamp, multiarith, got: amie24. Did you mean 'aime24'?");
        assertThatThrownBy(() -> Benchmark.of("aime24").file(folder.resolve("nowhere")))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("the benchmarks' folder must exist, got: ");
        assertThatThrownBy(() -> Benchmark.of("minerva").file(folder))
                .hasMessageContaining("Minerva must be in ")
                .hasMessageContaining("minerva.jsonl, minerva/test.jsonl, minerva_math.jsonl");
        assertThatThrownBy(
                        () -> read("aime24", "aime24.jsonl", "{\"problem\":\"Q\",\"answer\":1}", "{\"problem\":\"R\"}"))
                .isInstanceOf(DataException.class)
                .hasMessage(folder.resolve("aime24.jsonl")
                        + ":2: the answer must be in field 'answer', got: a row with 'problem'");
        assertThatThrownBy(() -> read("gsm8k", "gsm8k.jsonl", "{\"question\":\"Q\",\"answer\":\"four\"}"))
                .hasMessageContaining("gsm8k.jsonl:1: field 'answer' must hold an answer after '####'");
        assertThatThrownBy(() -> read("minerva", "minerva.jsonl", "{\"problem\":\"Q\",\"solution\":\"four\"}"))
                .hasMessageContaining("minerva.jsonl:1: field 'solution' must hold an answer in \\boxed{}");
        assertThatThrownBy(() -> read("amc23", "amc23.jsonl", "{\"answer\":1}"))
                .hasMessageContaining("amc23.jsonl:1: the problem must be in field 'problem' or 'question'");
        assertThatThrownBy(() -> read("aime25", "aime25.jsonl", "", " "))
                .hasMessageContaining("aime25.jsonl must hold at least one row");
    }

    /** The numbers of problems that the field counts. */
    @Test
    void everyPublicSetIsReadWhole() {
        Path shared = Path.of("..", "..", "shared", "data");
        assumeTrue(Files.isDirectory(shared), "skipped: no folder shared/data with the public sets beside the project");
        Map<String, Integer> problems = new LinkedHashMap<>();
        for (String name : Benchmark.names()) {
            Benchmark benchmark = Benchmark.of(name);
            List<Problem> read = benchmark.read(benchmark.file(shared), Benchmark.PROMPT_TEMPLATE, Integer.MAX_VALUE);
            problems.put(name, read.size());
            assertThat(read).as(name).allSatisfy(problem -> {
                assertThat(problem.answer()).isNotBlank();
                assertThat(problem.prompt()).endsWith("within \\boxed{}.");
            });
            assertThat(read.stream().map(Problem::id)).as(name).doesNotHaveDuplicates();
        }
        assertThat(problems)
                .containsExactly(
                        entry("aime24", 30),
                        entry("aime25", 30),
                        entry("amc23", 40),
                        entry("math500", 500),
                        entry("minerva", 272),
                        entry("olympiadbench", 675),
                        entry("gsm8k", 1319),
                        entry("svamp", 1000),
                        entry("multiarith", 600));
    }

    @Test
    void drawsOfBenchmarksNeverMeet() {
        assertThat(Benchmark.names().stream().map(name -> Benchmark.of(name).firstDraw()))
                .doesNotHaveDuplicates()
                .allMatch(draw -> draw % (1 << 24) == 0 && draw > 0);
    }
}

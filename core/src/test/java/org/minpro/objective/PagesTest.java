package org.minpro.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.advantage.Advantages;
import org.minpro.advantage.Response;
import org.minpro.reward.Reward;
import org.minpro.reward.Rewards;
import org.minpro.reward.Score;

/** The examples of the pages docs/add-*.md: they compile as they stand there, and hold what the pages say. */
class PagesTest {
    @TempDir
    private Path folder;

    /** The first block of Java on a page that has a public type, compiled against what this test runs with. */
    private URLClassLoader compiled(String page) throws Exception {
        Matcher blocks = Pattern.compile("```java\n(package (\\S+);.*?public record (\\w+).*?)```", Pattern.DOTALL)
                .matcher(Files.readString(Path.of("..", "docs", page)));
        assertThat(blocks.find()).as(page).isTrue();
        String source = blocks.group(1);
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        DiagnosticCollector<JavaFileObject> problems = new DiagnosticCollector<>();
        boolean compiles = compiler.getTask(
                        null,
                        null,
                        problems,
                        List.of("-d", folder.toString(), "-cp", System.getProperty("java.class.path"), "-proc:none"),
                        null,
                        List.of(
                                new SimpleJavaFileObject(
                                        URI.create("string:///" + blocks.group(3) + ".java"),
                                        JavaFileObject.Kind.SOURCE) {
                                    @Override
                                    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                                        return source;
                                    }
                                }))
                .call();
        assertThat(compiles).as(() -> problems.getDiagnostics().toString()).isTrue();
        return new URLClassLoader(new URL[] {folder.toUri().toURL()}, getClass().getClassLoader());
    }

    @Test
    void theObjectiveHoldsEveryCheck() throws Exception {
        try (URLClassLoader loader = compiled("add-an-objective.md")) {
            Objective objective = Objectives.of("org.minpro.objective.Fading", Map.of("strength", 2), loader);
            LossChecks checks = new LossChecks(Loss.of(objective), 1e-12);
            for (LossChecks.Check check : LossChecks.Check.values()) {
                assertThat(checks.failure(check)).as(check.description()).isEmpty();
            }
        }
    }

    @Test
    void theAdvantageHasTheFiguresOfThePage() throws Exception {
        try (URLClassLoader loader = compiled("add-an-advantage.md")) {
            List<Response> group = List.of(1.0, 0.0, 0.0, 2.0).stream()
                    .map(value -> Response.of(Score.of(value), 1))
                    .toList();
            assertThat(Advantages.of("org.minpro.advantage.PairWins", Map.of(), loader)
                            .of(List.of(group))
                            .getFirst()
                            .values()
                            .stream()
                            .mapToDouble(ofTokens -> ofTokens[0])
                            .toArray())
                    .containsExactly(new double[] {1 / 3.0, -2 / 3.0, -2 / 3.0, 1}, within(1e-15));
        }
    }

    @Test
    void theRewardCompiles() throws Exception {
        try (URLClassLoader loader = compiled("add-a-reward.md")) {
            Reward reward = Rewards.of("com.acme.MarkedAnswer", Map.of("mark", "="), loader);
            assertThat(reward).isNotNull();
        }
    }
}

package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.minpro.experience.Async;
import org.minpro.recipe.Recipe;
import org.minpro.tensor.DType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Runs of every staleness protocol that are killed and continued lose nothing and use nothing twice. {@code bench/soak/kills}
 * kills more often.
 */
@Tag("slow")
final class StalenessKillTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** In each protocol. */
    private static final int KILLS = Integer.getInteger("soak.kills", 5);

    private static final long SEED = Long.getLong("soak.seed", 101);

    private static final String TURNS = "{name: async, max-age: 0}";

    @TempDir
    Path temporary;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{name: delayed, lag: 2}",
                "{name: replay, capacity: 3, order: uniform, uses: 2}",
                "{name: replay, capacity: 2, order: newest, uses: 2}",
                "{name: simulated, workers: 3, delays: [0, 1, 4], seed: 5}",
                // Sampling and training take turns.
                TURNS
            })
    void aRunThatIsKilledContinuesBitForBit(String staleness) throws Exception {
        KilledRuns runs = new KilledRuns(temporary);
        ResumableRun.Model model = new ResumableRun.Model("*", DType.F32, staleness);
        Path whole = runs.newFolder("whole");
        assertThat(ResumableRun.go(whole, new RunListener() {}, false, model)).isTrue();
        KilledRuns.Left expected = KilledRuns.Left.in(whole);
        // A kind of async, which is killed as often as others below.
        int kills = staleness.equals(TURNS) ? (KILLS + 1) / 2 : KILLS;
        runs.killAndContinue(model, kills, 0, SEED, left -> left.assertSame(expected));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{name: async, max-age: 4, in-flight: continue}",
                "{name: async, max-age: 4, in-flight: finish}",
            })
    void anAsynchronousRunThatIsKilledTrainsOnEveryDrawOnce(String staleness) throws Exception {
        Recipe recipe = ResumableRun.recipe(staleness);
        int ahead = ((Async) recipe.staleness()).iterationsAhead(recipe.updatesOfIteration());
        int oldest = ahead * recipe.updatesOfIteration() + recipe.updatesOfIteration() - 1;
        new KilledRuns(temporary)
                .killAndContinue(
                        new ResumableRun.Model("*", DType.F32, staleness),
                        KILLS,
                        0,
                        SEED,
                        left -> requireEachDrawOnce(left, recipe, oldest));
    }

    /** What the journal has of a draw. */
    private record Group(long iteration, List<Double> rewards, List<Integer> lengths) {
        boolean differs() {
            return rewards.stream().distinct().count() > 1;
        }
    }

    /**
     * The journal has all responses to each draw, once each. The groups that an iteration trained on, by the recipe's rule,
     * give the numbers of its metrics, and all other draws are those that it put aside: so each was trained on once, or put
     * aside once.
     */
    static void requireEachDrawOnce(KilledRuns.Left left, Recipe recipe, int oldest) {
        SortedMap<Long, SortedMap<Integer, JsonNode>> draws = new TreeMap<>();
        for (String line : left.journal()) {
            JsonNode node = JSON.readTree(line);
            JsonNode before = draws.computeIfAbsent(node.path("draw").longValue(), key -> new TreeMap<>())
                    .put(node.path("sample").intValue(), node);
            assertThat(before).as("a response that was journaled twice").isNull();
        }
        SortedMap<Long, List<Group>> iterations = new TreeMap<>();
        long next = 0;
        for (Map.Entry<Long, SortedMap<Integer, JsonNode>> draw : draws.entrySet()) {
            assertThat(draw.getKey()).as("no draw is left out").isEqualTo(next++);
            assertThat(draw.getValue().keySet()).containsExactly(0, 1, 2, 3);
            long iteration =
                    draw.getValue().firstEntry().getValue().path("iteration").longValue();
            List<Double> rewards = new ArrayList<>();
            List<Integer> lengths = new ArrayList<>();
            for (JsonNode response : draw.getValue().values()) {
                rewards.add(response.path("score").path("value").doubleValue());
                lengths.add(response.path("response_ids").size());
                assertThat(response.path("iteration").longValue()).isEqualTo(iteration);
            }
            iterations.computeIfAbsent(iteration, key -> new ArrayList<>()).add(new Group(iteration, rewards, lengths));
        }
        assertThat(left.metrics()).hasSize(ResumableRun.ITERATIONS);
        assertThat(iterations).hasSize(ResumableRun.ITERATIONS);
        for (String line : left.metrics()) {
            JsonNode metrics = JSON.readTree(line);
            long iteration = metrics.path("iteration").longValue();
            List<Group> trained = new ArrayList<>();
            int aside = 0;
            for (Group group : iterations.getOrDefault(iteration, List.of())) {
                if (!group.differs() && aside < recipe.resampleLimit()) {
                    aside++;
                } else {
                    trained.add(group);
                }
            }
            assertThat(trained).hasSize(recipe.groupsPerIteration());
            assertThat(metrics.path("groups_resampled").doubleValue()).isEqualTo(aside);
            assertThat(metrics.path("reward").doubleValue())
                    .isCloseTo(
                            trained.stream()
                                    .flatMap(group -> group.rewards().stream())
                                    .mapToDouble(Double::doubleValue)
                                    .average()
                                    .orElseThrow(),
                            within(1e-12));
            assertThat(metrics.path("completions/mean_length").doubleValue())
                    .isCloseTo(
                            trained.stream()
                                    .flatMap(group -> group.lengths().stream())
                                    .mapToInt(Integer::intValue)
                                    .average()
                                    .orElseThrow(),
                            within(1e-12));
            if (metrics.has("age/max")) {
                assertThat(metrics.path("age/max").doubleValue()).isBetween(0.0, (double) oldest);
            }
        }
    }
}

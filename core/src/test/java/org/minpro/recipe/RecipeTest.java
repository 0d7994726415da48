package org.minpro.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.advantage.GroupDecoupled;
import org.minpro.advantage.LeaveOneOut;
import org.minpro.config.Binder;
import org.minpro.config.ConfigurationException;
import org.minpro.config.ConfigurationProblem;
import org.minpro.config.Doc;
import org.minpro.config.Settings;
import org.minpro.data.Dataset;
import org.minpro.data.Problem;
import org.minpro.experience.Async;
import org.minpro.experience.Delayed;
import org.minpro.experience.Replay;
import org.minpro.experience.Simulated;
import org.minpro.objective.Aggregation;
import org.minpro.objective.Anchor;
import org.minpro.objective.EntropyBonus;
import org.minpro.objective.Grpo;
import org.minpro.objective.KlPenalty;
import org.minpro.objective.LogProbStream;
import org.minpro.objective.Loss;
import org.minpro.objective.MinPro;
import org.minpro.objective.TruncatedImportanceSampling;
import org.minpro.reward.LengthPenalty;
import org.minpro.reward.MathReward;
import org.minpro.reward.Reward;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.Sampling;
import org.minpro.task.ArithmeticReward;
import org.minpro.train.EntropyTarget;
import org.minpro.verify.Occurrence;

final class RecipeTest {
    private static final ClassLoader LOADER = RecipeTest.class.getClassLoader();
    private static final Binder BINDER = Recipe.binder(LOADER);

    /** A reward as a user would write it. */
    public static final class Silence implements Reward {
        @Override
        public Score score(Problem problem, Rollout rollout) {
            return Score.of(-rollout.responseIds().length);
        }
    }

    private static Recipe recipe(String yaml, String... sets) {
        Settings settings = new Settings().yaml("r.yaml", yaml);
        for (String set : sets) {
            settings.set(set);
        }
        return BINDER.bind(Recipe.class, settings);
    }

    private static List<String> problems(String yaml, String... sets) {
        try {
            return List.of("none: " + recipe(yaml, sets));
        } catch (ConfigurationException e) {
            return e.problems().stream().map(ConfigurationProblem::toString).toList();
        }
    }

    @Test
    void printedDefaultsAreTheRecipeWithoutSettings() {
        String printed = BINDER.write(new Recipe(), true);
        assertThat(recipe(printed)).isEqualTo(new Recipe());
        assertThat(BINDER.write(recipe(printed), true)).isEqualTo(printed);
        assertThat(BINDER.write(recipe(""), false)).isEqualTo(BINDER.write(new Recipe(), false));
        String sft = SftRecipe.binder().write(new SftRecipe(), true);
        assertThat(SftRecipe.binder().bind(SftRecipe.class, new Settings().yaml("sft.yaml", sft)))
                .isEqualTo(new SftRecipe());
    }

    @Test
    void everySettingHasAComment() {
        List<String> silent = new ArrayList<>();
        undocumented(Recipe.class, silent);
        undocumented(SftRecipe.class, silent);
        assertThat(silent).isEmpty();
    }

    private static void undocumented(Class<?> type, List<String> silent) {
        for (RecordComponent component : type.getRecordComponents()) {
            if (component.getAnnotation(Doc.class) == null) {
                silent.add(component.toString());
            }
            if (component.getType().isRecord()) {
                undocumented(component.getType(), silent);
            }
        }
    }

    @Test
    void defaultsOfTheMainJobAreStale() {
        Recipe recipe = new Recipe();
        assertThat(recipe.objective()).isEqualTo(new MinPro());
        assertThat(recipe.staleness().idleIterations()).isPositive();
        assertThat(recipe.loss().aggregation()).isEqualTo(Aggregation.TOKEN_MEAN);
        assertThat(recipe.createReward()).isInstanceOf(ArithmeticReward.class);
        assertThat(recipe.warnings()).isEmpty();
        assertThat(recipe.compute().threads()).isEqualTo(Runtime.getRuntime().availableProcessors());
    }

    @Test
    void theWeightsOfGdpoAreThoseOfTheRewardsParts() {
        String reward = """
                reward:
                  name: weighted
                  parts:
                    math: {weight: 1}
                    short: {weight: 0.1, reward: length, maximum-tokens: 40}
                """;
        assertThat(recipe(reward + "advantage: {name: gdpo, weights: {math: 1, short: 0.5}}")
                        .advantage())
                .isEqualTo(new GroupDecoupled(Map.of("math", 1.0, "short", 0.5)));
        assertThat(recipe(reward + "advantage: gdpo").advantage()).isEqualTo(new GroupDecoupled());
        assertThatThrownBy(() -> recipe(reward + "advantage: {name: gdpo, weights: {maths: 1}}"))
                .hasMessageContaining(
                        "advantage.weights must be by names of the reward's parts, [math, short], got: maths");
    }

    @Test
    void choosesObjectiveAdvantageAndRewardWithParameters() {
        Recipe recipe = recipe("""
                objective: {name: grpo, clip-high: 0.3}
                advantage: rloo
                reward: {name: length, maximum-tokens: 40}
                """, "objective.clip-low=0.1");
        assertThat(recipe.objective()).isEqualTo(new Grpo(0.1, 0.3));
        assertThat(recipe.advantage()).isEqualTo(new LeaveOneOut());
        assertThat(recipe.reward()).isEqualTo(new LengthPenalty(40));
        assertThat(recipe("objective: minpro", "objective.cap=3").objective())
                .extracting("cap")
                .isEqualTo(3.0);
        assertThat(recipe("", "objective.cap=.inf").objective())
                .extracting("cap")
                .isEqualTo(Double.POSITIVE_INFINITY);
        assertThat(recipe("reward: " + Silence.class.getName()).createReward()).isInstanceOf(Silence.class);
        assertThat(recipe("data: {files: [a.jsonl]}").createReward()).isEqualTo(new MathReward());
        assertThat(recipe("reward: arithmetic").reward()).isEqualTo(new ArithmeticReward());
        assertThat(recipe("reward: math", "reward.answer-from=boxed,number").reward())
                .isEqualTo(new MathReward("boxed,number", Occurrence.LAST, 1, 0));
    }

    /** What a run stores says with which values it was scored, whatever the defaults become. */
    @Test
    void rewardsAreWrittenWithTheirDefaults() {
        Recipe recipe = recipe("""
                reward:
                  name: weighted
                  parts:
                    math: {weight: 2}
                    short: {reward: length, weight: 0.1, maximum-tokens: 40}
                    sum: {reward: arithmetic}
                    own: {reward: %s}
                """.formatted(Silence.class.getName()));
        String written = BINDER.write(recipe, false);
        assertThat(written).contains("""
                reward:
                  name: weighted
                  parts:
                    math:
                      reward:
                        name: math
                        answer-from: automatic
                        occurrence: last
                        right: 1.0
                        wrong: 0.0
                      weight: 2.0
                    short:
                      reward:
                        name: length
                        maximum-tokens: 40
                        factor: 1.0
                      weight: 0.1
                    sum:
                      reward: arithmetic
                      weight: 1.0
                    own:
                      reward: org.minpro.recipe.RecipeTest$Silence
                      weight: 1.0
                """);
        assertThat(recipe(written)).isEqualTo(recipe);
        assertThat(recipe(BINDER.write(recipe, true))).isEqualTo(recipe);
    }

    @Test
    void problemsOfRewardsAreReportedWithTheOthers() {
        assertThat(problems("""
                        reward:
                          name: weighted
                          parts:
                            math: {wieght: 2}
                            short: {reward: length, maximum-tokens: 0}
                            form: {reward: format}
                        """, "lag=-1"))
                .hasSize(4)
                .contains(
                        "r.yaml:5:45: reward.parts.short.reward.maximum-tokens must be >= 1, got: 0",
                        "r.yaml:6:20: reward.parts.form.reward.pattern must be given")
                .anyMatch(problem ->
                        problem.startsWith("r.yaml:4:12: unknown setting 'reward.parts.math.reward.wieght'."))
                .anyMatch(problem -> problem.startsWith("--set lag=-1: staleness.lag must be >= 0, got: -1"));
    }

    @Test
    void reportsWhatIsWrongInAllPackages() {
        assertThat(problems("""
                        objective: {name: minpro, cap: -1}
                        aggregation: token-men
                        reward: maths
                        optimizer:
                          learning-rate: 1e-4x
                          beta1: 2
                        sampling: {top-p: 0}
                        temperature: 0.7
                        group-size: 1
                        """))
                .hasSize(8)
                .anyMatch(problem -> problem.startsWith("r.yaml:1:32: objective.cap must be "))
                .anyMatch(problem -> problem.startsWith("r.yaml:2:14: aggregation must be one of")
                        && problem.endsWith("Did you mean 'token-mean'?"))
                .anyMatch(
                        problem -> problem.startsWith("r.yaml:3:9: reward must be one of") && problem.contains("math"))
                .contains(
                        "r.yaml:5:18: optimizer.learning-rate must be a number, got: 1e-4x",
                        "r.yaml:6:10: optimizer.beta1 must be in [0, 1), got: 2.0",
                        "r.yaml:7:19: sampling.top-p must be in (0, 1], got: 0.0",
                        "r.yaml:8:1: unknown setting 'temperature'. Did you mean 'sampling.temperature'?",
                        "r.yaml:9:13: group-size must be >= 2 (advantages compare the responses of a group), got: 1");
    }

    @Test
    void aLossIsPutTogetherOfItsParts() {
        assertThat(new Recipe().loss()).isEqualTo(Loss.of(new MinPro()));
        Recipe recipe = recipe("""
                objective: grpo
                corrections: [{name: tis, cap: 3}]
                penalties: [kl, {name: kl, against: proximal, coefficient: 0.01}]
                anchor: proximal
                """, "aggregation=seq-mean-token-mean");
        assertThat(recipe.loss())
                .isEqualTo(new Loss(
                        new Grpo(),
                        List.of(new TruncatedImportanceSampling(3)),
                        List.of(new KlPenalty(), new KlPenalty(LogProbStream.PROXIMAL, KlPenalty.Estimator.K3, 0.01)),
                        Aggregation.SEQ_MEAN_TOKEN_MEAN,
                        Anchor.PROXIMAL));
        Binder binder = Recipe.binder(LOADER);
        assertThat(binder.bind(Recipe.class, new Settings().yaml("r.yaml", binder.write(recipe, true))))
                .isEqualTo(recipe);
        assertThat(recipe("corrections: tis").warnings())
                .anyMatch(warning -> warning.startsWith("corrections with anchor behavior"));
        assertThat(recipe("corrections: tis\nanchor: proximal\nlag: 0\nupdates-per-iteration: 1")
                        .warnings())
                .isEmpty();
    }

    @Test
    void partsThatDoNotFitAreRefusedWhereTheyStand() {
        assertThat(problems("corrections: [tsi]\npenalties: [{name: kl, coeficient: 1}]"))
                .containsExactly(
                        "r.yaml:1:15: corrections[0] must be one of divergence, icepop, mis, tis, veto, or the name of a class, got: 'tsi'."
                                + " Did you mean 'tis'?",
                        "r.yaml:2:24: unknown setting 'penalties[0].coeficient'. Did you mean 'penalties[0].coefficient'?");
        assertThat(problems("penalties: [kl, kl]"))
                .containsExactly(
                        "r.yaml:1:12: penalties must differ in kind or in the policies that they read, got: kl twice");
        assertThat(problems("penalties: [{name: kl, against: sampling}]"))
                .containsExactly("r.yaml:1:12: penalties must be such that they read log-probabilities of"
                        + " [behavior, proximal, reference] alone, which a run has, got: [sampling]");
    }

    @Test
    void aDistanceFromAReferenceIsAPenaltyOrAPartOfTheReward() {
        assertThat(new Recipe().hasReference()).isFalse();
        Recipe inLoss = recipe("kl: {coefficient: 0.1, estimator: low-variance}");
        assertThat(inLoss.loss().penalties())
                .containsExactly(new KlPenalty(LogProbStream.REFERENCE, KlPenalty.Estimator.LOW_VARIANCE, 0.1));
        assertThat(inLoss.hasReference()).isTrue();
        assertThat(inLoss.learnsWithoutDifference()).isTrue();
        assertThat(inLoss.warnings()).isEmpty();
        Recipe inReward = recipe("kl: {coefficient: 0.1, where: reward, reference: average}");
        assertThat(inReward.loss()).isEqualTo(new Recipe().loss());
        assertThat(inReward.hasReference()).isTrue();
        assertThat(inReward.learnsWithoutDifference()).isTrue();
        assertThat(recipe("penalties: [{name: kl, against: reference}]").hasReference())
                .as("a part that reads the reference")
                .isTrue();
        assertThat(problems("kl: {coefficient: 0.1}\npenalties: [{name: kl, against: reference}]"))
                .singleElement()
                .satisfies(line ->
                        assertThat(line).contains("penalties must differ in kind or in the policies that they read"));
        assertThat(problems("kl: {coefficient: -1, average-decay: 1, reference: ' '}"))
                .isNotEmpty();
        assertThat(recipe("kl: {estimator: k1}").warnings()).containsExactly("kl has no effect with kl.coefficient 0");
        assertThat(recipe("kl: {coefficient: 1, average-decay: 0.5}").warnings())
                .containsExactly("kl.average-decay has no effect without kl.reference average");
    }

    @Test
    void anEntropyBonusIsAPenaltyOfOneCoefficientOrFollowsATarget() {
        Recipe fixed = recipe("entropy: {coefficient: 0.01}");
        assertThat(fixed.loss().penalties()).containsExactly(new EntropyBonus(0.01));
        assertThat(fixed.entropy().follows()).isNull();
        assertThat(fixed.learnsWithoutDifference()).isTrue();
        Recipe following = recipe("entropy: {target: 0.3}");
        assertThat(following.loss().penalties()).isEmpty();
        assertThat(following.entropy().follows()).isEqualTo(new EntropyTarget(0.3, 0.005));
        assertThat(following.learnsWithoutDifference()).isTrue();
        assertThat(new Recipe().learnsWithoutDifference()).isFalse();
        assertThat(problems("entropy: {coefficient: .nan}")).hasSize(1);
        assertThat(problems("entropy: {target: 0}"))
                .singleElement()
                .satisfies(line -> assertThat(line).contains("target must be > 0 and finite, or null, got: 0.0"));
        assertThat(problems("entropy: {target: 1}\npenalties: [entropy]"))
                .singleElement()
                .satisfies(line -> assertThat(line).contains("got: entropy twice"));
        assertThat(recipe("entropy: {target-step: 1}").warnings())
                .containsExactly("entropy.target-step has no effect without entropy.target");
    }

    @Test
    void aPersonIsWarnedWhereDelaysMultiplyOrThePolicyComparedWithIsTheWrongOne() {
        assertThat(new Recipe().warnings()).isEmpty();
        assertThat(recipe("lag: 8\nupdates-per-iteration: 4").warnings())
                .singleElement()
                .satisfies(line -> assertThat(line)
                        .startsWith("staleness stacks: lag 8 and updates-per-iteration 4 multiply")
                        .contains("up to 35 updates old"));
        assertThat(recipe("lag: 30\nupdates-per-iteration: 1\niterations: 100").warnings())
                .as("one delay, and a long one")
                .isEmpty();
        assertThat(recipe("kl: {coefficient: 1, where: reward, reference: average}")
                        .warnings())
                .singleElement()
                .satisfies(line -> assertThat(line).startsWith("staleness stacks: kl.where reward"));
        assertThat(recipe("penalties: [kl]").warnings())
                .singleElement()
                .satisfies(line -> assertThat(line)
                        .startsWith("penalty kl against behavior holds the policy near the versions that sampled"));
    }

    @Test
    void anObjectiveThatFixesItsAggregationRefusesAnother() {
        assertThat(problems("objective: gspo\naggregation: token-mean"))
                .singleElement()
                .asString()
                .startsWith("r.yaml:2:14: aggregation must be seq-mean-token-mean with gspo");
        assertThat(recipe("objective: gspo").loss().aggregation()).isEqualTo(Aggregation.SEQ_MEAN_TOKEN_MEAN);
        assertThat(recipe("aggregation: constant-length\naggregation-length: 64")
                        .loss()
                        .aggregation())
                .isEqualTo(Aggregation.constantLength(64));
    }

    @Test
    void rulesAcrossSettingsNameTheOneToChange() {
        assertThat(problems("", "lag=40"))
                .containsExactly(
                        "--set lag=40: staleness must be of a lag in [0, iterations), here [0, 40) (--lag 39 or less), got: 40");
        assertThat(problems("updates-per-iteration: 5"))
                .containsExactly(
                        "r.yaml:1:24: updates-per-iteration must be a divisor of groups-per-iteration (32), got: 5");
        assertThat(problems("data: {answer-pattern: \"(\"}"))
                .singleElement()
                .asString()
                .startsWith("r.yaml:1:24: data.answer-pattern must be a regular expression");
        assertThat(problems("prompts: {date: 2026-13-01}"))
                .containsExactly("r.yaml:1:17: prompts.date must be YYYY-MM-DD, got: 2026-13-01");
    }

    @Test
    void readsSourcesWithFieldsOfTheirOwn(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("a.jsonl"), "{\"input\":\"1+1\",\"target\":2}\n");
        Files.writeString(
                folder.resolve("b.jsonl"),
                "{\"Body\":\"B.\",\"Question\":\"Q?\",\"Answer\":3.0}\n{\"Body\":\"1+1\",\"Question\":\"\",\"Answer\":2}\n");
        Recipe recipe = recipe("""
                data:
                  files: [a.jsonl]
                  prompt-field: input
                  answer-field: target
                  more:
                    - files: [b.jsonl]
                      prompt-template: "{Body} {Question}"
                      answer-field: Answer
                """, "data.folder=" + folder);
        Dataset dataset = recipe.data().read((pass, done, all) -> {});
        assertThat(dataset.problems()).extracting(Problem::prompt).containsExactly("1+1", "B. Q?");
        assertThat(dataset.problems()).extracting(Problem::answer).containsExactly("2", "3");
        assertThat(dataset.reading().repeated()).isEqualTo(1);
        assertThat(problems("data: {more: [{files: [b.jsonl], prompt-template: \"{Body\"}]}"))
                .singleElement()
                .asString()
                .startsWith("r.yaml:1:51: data.more[0].prompt-template");
    }

    @Test
    void warnsOfWhatIsProbablyNotMeant() {
        assertThat(recipe("sampling: {top-k: 50}").warnings())
                .singleElement()
                .asString()
                .contains("truncated");
        assertThat(recipe("anchor: proximal").warnings())
                .singleElement()
                .asString()
                .contains("proximal");
        assertThat(recipe("data: {files: [x.jsonl]}").warnings())
                .singleElement()
                .asString()
                .contains("--model");
        assertThat(recipe("optimizer: {warmup-updates: 100000}").warnings()).hasSize(1);
    }

    @Test
    void stopIdsAreTheModelsAndTheRecipes() {
        Sampling sampling = recipe("sampling: {stop-token-ids: [7, 3]}").sampling();
        assertThat(sampling.params(List.of(2, 3)).stopIds()).containsExactly(2, 3, 7);
        Sampling endless = recipe("sampling: {ignore-eos: true}").sampling();
        assertThat(endless.params(List.of(2)).stopIds()).isEmpty();
    }

    @Test
    void aProgramChangesARecipe() {
        Recipe recipe = new Recipe().with("optimizer.learning-rate", 1e-5);
        assertThat(recipe.with("runs", Path.of("out")).optimizer().learningRate())
                .isEqualTo(1e-5);
        assertThatThrownBy(() -> recipe.with("lag", -1)).hasMessageStartingWith("lag must be");
        assertThatThrownBy(() -> recipe.with("optimiser.beta1", 0.5)).hasMessageContaining("Did you mean 'optimizer'?");
    }

    @Test
    void aModelOfOnesOwnHasDefaultsThatSuitIt() {
        Recipe recipe = Recipe.of(Path.of("my-model"), Path.of("a.jsonl"), Path.of("b.jsonl"));
        assertThat(recipe.model().path()).isEqualTo("my-model");
        assertThat(recipe.data().files()).containsExactly(Path.of("a.jsonl"), Path.of("b.jsonl"));
        assertThat(recipe.warnings()).isEmpty();
        assertThat(recipe.staleness().idleIterations()).isPositive();
        assertThat(recipe.optimizer().learningRate())
                .isLessThan(new Recipe().optimizer().learningRate());
        assertThat(Recipe.of(Path.of("my-model")).data()).isEqualTo(new Recipe().data());
        assertThat(BINDER.bind(recipe, new Settings())).isEqualTo(recipe);
        assertThat(BINDER.bind(recipe, new Settings().set("lag=1")).iterations())
                .isEqualTo(recipe.iterations());
    }

    @Test
    void aLagIsShortForAProtocol() {
        assertThat(recipe("lag: 3").staleness()).isEqualTo(new Delayed(3));
        assertThat(recipe("lag: 3")).isEqualTo(recipe("staleness: {name: delayed, lag: 3}"));
        assertThat(new Recipe().with("lag", 3)).isEqualTo(recipe("lag: 3"));
        assertThat(recipe("staleness: {name: async, max-age: 4}").staleness())
                .isEqualTo(new Async(4, Async.InFlight.CONTINUE));
        assertThat(recipe("staleness: {name: replay, capacity: 2, order: newest, uses: 2}")
                        .staleness())
                .isEqualTo(new Replay(2, Replay.Order.NEWEST, 2));
        assertThat(recipe("staleness: {name: simulated, delays: [0, 7]}").staleness())
                .isEqualTo(new Simulated(4, List.of(0, 7), 1));
        Settings overFile = new Settings().yaml("r.yaml", "staleness: async").option("lag", "3", "--lag");
        assertThat(BINDER.bind(Recipe.class, overFile).staleness()).isEqualTo(new Delayed(3));
        Settings set =
                new Settings().yaml("r.yaml", "lag: 3").set("staleness=async").set("staleness.max-age=9");
        assertThat(BINDER.bind(Recipe.class, set).staleness()).isEqualTo(new Async(9, Async.InFlight.CONTINUE));
        Settings parameter = new Settings().yaml("r.yaml", "lag: 3").set("staleness.lag=5");
        assertThat(BINDER.bind(Recipe.class, parameter).staleness()).isEqualTo(new Delayed(5));
        for (String staleness : List.of("async", "replay", "simulated", "delayed")) {
            Recipe recipe = recipe("staleness: " + staleness);
            assertThat(recipe(BINDER.write(recipe, true))).isEqualTo(recipe);
        }
    }

    @Test
    void aLagBesideAProtocolIsRefusedWhereTheyMeet() {
        assertThat(problems("lag: 2\nstaleness: async"))
                .containsExactly("r.yaml:1:1: lag must not be given beside staleness, which it is short for (staleness:"
                        + " {name: delayed, lag: ...}), got: both, the other at r.yaml:2:1");
        assertThat(problems("", "lag=2", "staleness=async"))
                .singleElement()
                .asString()
                .startsWith("--set lag=2: lag must not be given beside staleness");
        assertThatThrownBy(() -> BINDER.bind(
                        Recipe.class, new Settings().set("staleness=async").option("lag", "2", "--lag")))
                .hasMessageContaining("--set staleness=async: lag must not be given beside staleness")
                .hasMessageContaining("the other at --lag");
        assertThat(problems("lagg: 2")).containsExactly("r.yaml:1:1: unknown setting 'lagg'. Did you mean 'lag'?");
    }

    @Test
    void protocolsThatCannotBeAreRefusedInOneLine() {
        assertThat(problems("staleness: {name: replay, capacity: 50}"))
                .containsExactly(
                        "r.yaml:1:12: staleness must be of a capacity in [1, iterations], here [1, 40], got: 50");
        assertThat(problems("staleness: {name: replay, order: newest}"))
                .containsExactly(
                        "r.yaml:1:34: staleness.capacity must be uses (1) with order newest, which trains on no"
                                + " older batch, got: 4");
        assertThat(problems("staleness: {name: replay, uses: 5}"))
                .containsExactly("r.yaml:1:33: staleness.uses must be in [1, capacity], here [1, 4], got: 5");
        assertThat(problems("staleness: {name: simulated, workers: 33}"))
                .containsExactly(
                        "r.yaml:1:12: staleness must be of at most groups-per-iteration (32) workers, got: 33");
        assertThat(problems("staleness: {name: simulated, delays: [0, 40]}"))
                .containsExactly(
                        "r.yaml:1:12: staleness must be of delays in [0, iterations), here [0, 40), got: [0, 40]");
        assertThat(problems("staleness: {name: simulated, delays: [-1]}"))
                .containsExactly("r.yaml:1:38: staleness.delays must be each >= 0, got: [-1]");
        assertThat(problems("staleness: {name: async, max-age: -1}"))
                .containsExactly("r.yaml:1:35: staleness.max-age must be >= 0, got: -1");
        assertThat(problems("epochs: 0")).containsExactly("r.yaml:1:9: epochs must be >= 1, got: 0");
        assertThat(recipe("staleness: {name: async, max-age: 3}").warnings())
                .containsExactly(
                        "staleness.max-age (3) is less than the updates of an iteration (4): sampling and training"
                                + " take turns");
    }
}

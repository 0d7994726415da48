package org.minpro.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.minpro.model.KeyValueCache;
import org.minpro.model.LanguageHead;
import org.minpro.model.ModelConfig;
import org.minpro.model.Parameters;
import org.minpro.model.PolicyVersion;
import org.minpro.model.TinyModels;
import org.minpro.model.TokenBlock;
import org.minpro.model.Transformer;
import org.minpro.tensor.DType;
import org.minpro.tensor.Engine;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.TestDevice;
import org.minpro.tensor.Workers;

class LocalRolloutEngineTest {
    private static final SamplingParams PARAMS = SamplingParams.of(60, List.of(1));

    private static List<RolloutRequest> requests(int groups, int samples) {
        Random random = new Random(1);
        List<RolloutRequest> requests = new ArrayList<>();
        for (int i = 0; i < groups; i++) {
            requests.add(RolloutRequest.of(
                    i, random.ints(3 + random.nextInt(30), 2, 97).toArray(), samples));
        }
        return requests;
    }

    private static List<Rollout> generate(
            Transformer model, List<RolloutRequest> requests, int slots, int workers, SamplingParams params) {
        try (Workers pool = new Workers(workers);
                LocalRolloutEngine engine = LocalRolloutEngine.over(model, pool, slots, 42, ids -> "")) {
            List<Rollout> rollouts = new ArrayList<>(engine.generate(requests, params, rollout -> {}));
            rollouts.sort(Comparator.comparingLong(Rollout::draw).thenComparingInt(Rollout::sample));
            return rollouts;
        }
    }

    @Tag("slow")
    @ParameterizedTest
    @CsvSource({"F32, false", "F32, true", "BF16, false", "BF16, true"})
    void aResponseDoesNotDependOnWhatIsGeneratedBesideIt(DType type, boolean experts) {
        ModelConfig config = experts ? TinyModels.experts() : TinyModels.dense();
        try (Transformer model = TinyModels.random(config, type, 7);
                Parameters parameters = model.parameters()) {
            List<RolloutRequest> requests = requests(12, 4);
            List<Rollout> reference = generate(model, requests, 16, 1, PARAMS);
            List<RolloutRequest> reversed = new ArrayList<>(requests);
            Collections.reverse(reversed);
            assertThat(generate(model, reversed, 16, 2, PARAMS))
                    .as(Engine.kernels())
                    .isEqualTo(reference);
            List<Rollout> oneByOne = new ArrayList<>();
            for (RolloutRequest request : requests) {
                for (int sample : request.samples()) {
                    oneByOne.addAll(generate(model, List.of(request.only(sample)), 16, 1, PARAMS));
                }
            }
            assertThat(oneByOne).as(Engine.kernels()).isEqualTo(reference);
        }
    }

    /** A longer neighbour makes attention read more entries; kernels change with their number and the queries of a key. */
    @ParameterizedTest
    @CsvSource({"2, 2, 32", "6, 2, 64", "7, 1, 64", "8, 1, 128", "16, 1, 128"})
    void aLongNeighbourChangesNoBitOfAShortResponse(int heads, int keyValueHeads, int headDim) {
        try (Transformer model = TinyModels.random(TinyModels.heads(heads, keyValueHeads, headDim), DType.F32, 7);
                Parameters parameters = model.parameters()) {
            SamplingParams params = SamplingParams.of(20, List.of());
            RolloutRequest shorter = RolloutRequest.of(0, new int[] {5, 6, 7}, 3);
            RolloutRequest longer =
                    RolloutRequest.of(1, new Random(3).ints(200, 2, 97).toArray(), 3);
            List<Rollout> alone = generate(model, List.of(shorter), 16, 1, params);
            List<Rollout> beside = generate(model, List.of(longer, shorter), 16, 1, params);
            assertThat(beside.subList(0, 3)).as(Engine.kernels()).isEqualTo(alone);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1, 2, false, 16",
        "32, 2, false, 16",
        "70, 2, false, 48",
        "256, 2, false, 64",
        "9000, 2, false, 64",
        "64, 1, false, 64",
        "64, 1, true, 64",
        "512, 1, true, 512",
        "9000, 1, true, 1024"
    })
    void slotsFollowFromTheResponsesOfALaneAndTheDevice(long responses, int lanes, boolean cuda, int slots) {
        assertThat(LocalRolloutEngine.slots(responses, lanes, cuda)).isEqualTo(slots);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void logMuIsTheTrainersLogPiUpToRounding(boolean experts) {
        ModelConfig config = experts ? TinyModels.experts() : TinyModels.dense();
        SamplingParams params = new SamplingParams(0.8, 20, 0.9, 0.01, 40, List.of(1), List.of(), false);
        try (Transformer model = TinyModels.random(config, DType.F32, 7);
                Parameters parameters = model.parameters();
                Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            for (Rollout rollout : generate(model, requests(6, 3), 16, 2, params)) {
                TokenBlock block = TokenBlock.of(rollout.promptIds(), rollout.responseIds());
                float[] logProbs = new LanguageHead(model, params.temperature())
                        .logProbs(model.hidden(block), Tensor.of(TestDevice.HERE, block.targets()), false)
                        .logProbs()
                        .floats();
                assertThat(logProbs).containsExactly(rollout.behaviorLogProbs(), within(1e-4f));
            }
        }
    }

    @Test
    void aResponseEndsWithItsStopIdOrAtTheLimit() {
        try (Transformer model = TinyModels.random(TinyModels.dense(), DType.F32, 7);
                Parameters parameters = model.parameters()) {
            List<Rollout> rollouts = generate(model, requests(20, 4), 16, 1, PARAMS);
            assertThat(rollouts).hasSize(80);
            assertThat(rollouts).anyMatch(rollout -> rollout.finish() == Rollout.Finish.STOP);
            for (Rollout rollout : rollouts) {
                int last = rollout.responseIds()[rollout.length() - 1];
                if (rollout.finish() == Rollout.Finish.STOP) {
                    assertThat(last).isEqualTo(1);
                } else {
                    assertThat(rollout.length()).isEqualTo(60);
                    assertThat(last).isNotEqualTo(1);
                }
            }
        }
    }

    /** Types whose weights are packed, and float64, whose weights are not. */
    @Tag("slow")
    @ParameterizedTest
    @CsvSource({"F32, false", "F32, true", "F64, false", "F64, true", "BF16, false", "BF16, true"})
    void generationLeavesNoNativeObject(DType type, boolean experts) {
        ModelConfig config = experts ? TinyModels.experts() : TinyModels.dense();
        try (Transformer model = TinyModels.random(config, type, 7);
                Parameters parameters = model.parameters();
                Workers pool = new Workers(2);
                LocalRolloutEngine engine = LocalRolloutEngine.over(model, pool, 8, 1, ids -> "")) {
            engine.generate(requests(5, 2), PARAMS, rollout -> {});
            long before = Scope.nativeObjects();
            for (int i = 0; i < 3; i++) {
                engine.generate(requests(5, 2), PARAMS, rollout -> {});
            }
            assertThat(Scope.nativeObjects()).isEqualTo(before);
        }
    }

    /** After each stop id three ids are given, up to two times. */
    private static int[] threeMore(int[] ids) {
        int stops = 0;
        for (int id : ids) {
            stops += id == 1 ? 1 : 0;
        }
        return stops > 2 ? new int[0] : new int[] {40 + stops, 50, 60};
    }

    private static final Continuation THREE_MORE = (sample, ids) -> CompletableFuture.completedFuture(threeMore(ids));

    @Tag("slow")
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aResponseGoesOnAfterIdsThatThePolicyDidNotWrite(boolean experts) {
        ModelConfig config = experts ? TinyModels.experts() : TinyModels.dense();
        List<RolloutRequest> requests = requests(12, 4).stream()
                .map(request -> request.continued(THREE_MORE))
                .toList();
        try (Transformer model = TinyModels.random(config, DType.F32, 7);
                Parameters parameters = model.parameters();
                Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            List<Rollout> rollouts = generate(model, requests, 16, 2, PARAMS);
            List<Rollout> oneTurn = generate(model, requests(12, 4), 16, 1, PARAMS);
            int given = 0;
            for (int i = 0; i < rollouts.size(); i++) {
                Rollout rollout = rollouts.get(i);
                int first = oneTurn.get(i).length();
                assertThat(Arrays.copyOf(rollout.responseIds(), first))
                        .isEqualTo(oneTurn.get(i).responseIds());
                float[] logProbs = new LanguageHead(model, 1)
                        .logProbs(
                                model.hidden(TokenBlock.of(rollout.promptIds(), rollout.responseIds())),
                                Tensor.of(
                                        TestDevice.HERE,
                                        TokenBlock.of(rollout.promptIds(), rollout.responseIds())
                                                .targets()),
                                false)
                        .logProbs()
                        .floats();
                for (int t = 0; t < rollout.length(); t++) {
                    if (rollout.responseMask()[t]) {
                        assertThat(rollout.behaviorLogProbs()[t]).isCloseTo(logProbs[t], within(1e-4f));
                    } else {
                        given++;
                        assertThat(rollout.behaviorLogProbs()[t]).isZero();
                        assertThat(rollout.responseIds()[t]).isBetween(41, 60);
                    }
                }
                if (rollout.finish() == Rollout.Finish.STOP) {
                    assertThat(rollout.responseIds()[rollout.length() - 1]).isEqualTo(1);
                } else {
                    assertThat(rollout.length()).isEqualTo(60);
                }
            }
            assertThat(given).as("ids that were given").isGreaterThan(60);
            List<RolloutRequest> reversed = new ArrayList<>(requests);
            Collections.reverse(reversed);
            assertThat(generate(model, reversed, 16, 1, PARAMS)).isEqualTo(rollouts);
        }
    }

    @Test
    void howLongAContinuationTakesChangesNothing() {
        Continuation slow = (sample, ids) -> {
            int[] given = threeMore(ids);
            return sample % 3 == 0
                    ? CompletableFuture.completedFuture(given)
                    : CompletableFuture.supplyAsync(
                            () -> given,
                            CompletableFuture.delayedExecutor(ids.length * 7919L % 23, TimeUnit.MILLISECONDS));
        };
        List<RolloutRequest> requests = requests(12, 4);
        try (Transformer model = TinyModels.random(TinyModels.dense(), DType.F32, 7);
                Parameters parameters = model.parameters()) {
            assertThat(parameters.count()).isPositive();
            List<Rollout> atOnce = generate(model, continued(requests, THREE_MORE), 16, 2, PARAMS);
            long before = Scope.nativeObjects();
            assertThat(generate(model, continued(requests, slow), 16, 2, PARAMS))
                    .isEqualTo(atOnce);
            assertThat(generate(model, continued(requests, slow), 16, 1, PARAMS))
                    .isEqualTo(atOnce);
            assertThat(Scope.nativeObjects()).isEqualTo(before);
        }
    }

    private static List<RolloutRequest> continued(List<RolloutRequest> requests, Continuation continuation) {
        return requests.stream().map(request -> request.continued(continuation)).toList();
    }

    /** The first responses are answered when all others have ended: their slots must not wait for them. */
    @Test
    void aResponseThatWaitsHoldsNoSlot() {
        List<RolloutRequest> requests = requests(12, 4);
        int waiting = 4;
        CompletableFuture<int[]> late = new CompletableFuture<>();
        List<RolloutRequest> continued = new ArrayList<>();
        for (int i = 0; i < requests.size(); i++) {
            continued.add(requests.get(i).continued(i == 0 ? (sample, ids) -> late : Continuation.NONE));
        }
        try (Transformer model = TinyModels.random(TinyModels.dense(), DType.F32, 7);
                Parameters parameters = model.parameters();
                Workers pool = new Workers(1);
                LocalRolloutEngine engine = LocalRolloutEngine.over(model, pool, 2, 42, ids -> "")) {
            assertThat(parameters.count()).isPositive();
            AtomicInteger finished = new AtomicInteger();
            List<Rollout> rollouts =
                    engine.generate(continued, SamplingParams.of(60, List.of(1, 2, 3, 4, 5, 6, 7, 8)), rollout -> {
                        if (finished.incrementAndGet() == 11 * waiting) {
                            late.complete(new int[0]);
                        }
                    });
            assertThat(rollouts).hasSize(12 * waiting);
        }
    }

    /** As a server does: nothing is left to say only where nothing followed. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aStopAtTheLastTokenIsCutOffWhereSomethingFollows(boolean follows) {
        SamplingParams params =
                SamplingParams.of(1, IntStream.range(0, 97).boxed().toList());
        Continuation continuation =
                (sample, ids) -> CompletableFuture.completedFuture(follows ? new int[] {40} : new int[0]);
        try (Transformer model = TinyModels.random(TinyModels.dense(), DType.F32, 7);
                Parameters parameters = model.parameters()) {
            assertThat(generate(model, continued(requests(2, 2), continuation), 16, 1, params))
                    .hasSize(4)
                    .allSatisfy(rollout -> {
                        assertThat(rollout.length()).isEqualTo(1);
                        assertThat(rollout.finish()).isEqualTo(follows ? Rollout.Finish.LENGTH : Rollout.Finish.STOP);
                    });
        }
    }

    @Test
    void aContinuationThatFailsEndsTheGeneration() {
        try (Transformer model = TinyModels.random(TinyModels.dense(), DType.F32, 7);
                Parameters parameters = model.parameters();
                Workers pool = new Workers(2);
                LocalRolloutEngine engine = LocalRolloutEngine.over(model, pool, 16, 42, ids -> "")) {
            assertThat(parameters.count()).isPositive();
            Continuation fails = (sample, ids) -> CompletableFuture.supplyAsync(() -> {
                throw new IllegalArgumentException("no more");
            });
            Continuation failed =
                    (sample, ids) -> CompletableFuture.failedFuture(new IllegalArgumentException("no more"));
            for (Continuation continuation : List.of(fails, failed)) {
                assertThatThrownBy(
                                () -> engine.generate(continued(requests(12, 4), continuation), PARAMS, rollout -> {}))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("no more");
            }
        }
    }

    private static String letters(int[] ids) {
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append((char) ('a' + id % 26));
        }
        return text.toString();
    }

    /** A stop text of two letters is completed now and then by a random model. */
    @Test
    void aResponseEndsWithTheTokenThatCompletesAStopText() {
        try (Transformer model = TinyModels.random(TinyModels.dense(), DType.F32, 7);
                Parameters parameters = model.parameters();
                Workers pool = new Workers(2);
                LocalRolloutEngine engine =
                        LocalRolloutEngine.over(model, pool, 16, 42, LocalRolloutEngineTest::letters)) {
            assertThat(parameters.count()).isPositive();
            List<Rollout> whole = engine.generate(requests(20, 4), PARAMS, rollout -> {});
            List<Rollout> cut = engine.generate(requests(20, 4), PARAMS.withStop(List.of("ab", "xyz")), rollout -> {});
            int stopped = 0;
            for (int i = 0; i < whole.size(); i++) {
                String all = letters(whole.get(i).responseIds());
                int at = all.indexOf("ab") < 0 ? Integer.MAX_VALUE : all.indexOf("ab");
                at = Math.min(at, all.indexOf("xyz") < 0 ? Integer.MAX_VALUE : all.indexOf("xyz"));
                Rollout rollout = cut.get(i);
                if (at == Integer.MAX_VALUE) {
                    assertThat(rollout).isEqualTo(whole.get(i));
                    continue;
                }
                stopped++;
                int length = at + (all.startsWith("ab", at) ? 2 : 3);
                assertThat(rollout.finish()).isEqualTo(Rollout.Finish.STOP);
                assertThat(rollout.text()).isEqualTo(all.substring(0, at));
                assertThat(rollout.responseIds())
                        .isEqualTo(Arrays.copyOf(whole.get(i).responseIds(), length));
                assertThat(rollout.behaviorLogProbs())
                        .isEqualTo(Arrays.copyOf(whole.get(i).behaviorLogProbs(), length));
                assertThat(rollout.responseMask()).hasSize(length).containsOnly(true);
            }
            assertThat(stopped).as("responses with a stop text").isGreaterThan(3);
        }
    }

    /** A generation of one response whose weights are replaced when it has so many tokens. */
    private static Rollout replaced(
            Transformer first, Transformer second, RolloutRequest request, int after, boolean inFlight) {
        try (Workers pool = new Workers(1);
                LocalRolloutEngine engine = LocalRolloutEngine.over(first, pool, 1, 42, ids -> "");
                PolicyVersion newer = new PolicyVersion(1, second)) {
            int[] tokens = {0};
            return engine.generate(
                            List.of(request),
                            SamplingParams.of(12, List.of()),
                            (draw, sample, id) -> {
                                if (++tokens[0] == after) {
                                    if (inFlight) {
                                        engine.replace(newer);
                                    } else {
                                        engine.publish(newer);
                                    }
                                }
                            },
                            rollout -> {})
                    .getFirst();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aResponseInFlightGoesOnWithTheWeightsThatReplaceItsOwn(boolean experts) {
        ModelConfig config = experts ? TinyModels.experts() : TinyModels.dense();
        RolloutRequest request = RolloutRequest.of(3, new int[] {5, 9, 14, 3}, 1);
        try (Transformer first = TinyModels.random(config, DType.F32, 7);
                Parameters ofFirst = first.parameters();
                Transformer second = TinyModels.random(config, DType.F32, 8);
                Parameters ofSecond = second.parameters()) {
            Rollout old = replaced(first, second, request, 100, true);
            Rollout finished = replaced(first, second, request, 5, false);
            assertThat(finished).isEqualTo(old);
            assertThat(finished.versions()).containsOnly(0);

            Rollout mixed = replaced(first, second, request, 5, true);
            assertThat(mixed.versions()).containsExactly(0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1);
            assertThat(Arrays.copyOf(mixed.responseIds(), 5)).isEqualTo(Arrays.copyOf(old.responseIds(), 5));
            assertThat(Arrays.copyOf(mixed.behaviorLogProbs(), 5)).isEqualTo(Arrays.copyOf(old.behaviorLogProbs(), 5));
            assertThat(mixed.behaviorLogProbs()[5]).isNotEqualTo(old.behaviorLogProbs()[5]);

            // Token by token over one cache: the old weights wrote the prompt and four tokens, the new ones read them.
            float[] expected = new float[12];
            try (Scope scope = Scope.open();
                    NoGradient off = NoGradient.open();
                    KeyValueCache.Prefix prefix = first.prefill(request.promptIds());
                    KeyValueCache cache = first.cache(1, 256, 256)) {
                expected[0] = logProb(first.logits(prefix.lastHidden()), mixed.responseIds()[0]);
                cache.fill(0, prefix);
                for (int t = 1; t < 12; t++) {
                    Transformer model = t < 5 ? first : second;
                    Tensor hidden =
                            model.decode(cache, new int[1], new long[] {mixed.responseIds()[t - 1]}, new long[] {
                                request.promptIds().length + t - 1
                            });
                    expected[t] = logProb(model.logits(hidden), mixed.responseIds()[t]);
                }
            }
            for (int t = 0; t < 12; t++) {
                assertThat(mixed.behaviorLogProbs()[t]).isCloseTo(expected[t], within(1e-5f));
            }
        }
    }

    private static float logProb(Tensor logits, int id) {
        double[] values = logits.doubles();
        double sum = Arrays.stream(values).map(Math::exp).sum();
        return (float) (values[id] - Math.log(sum));
    }

    @Test
    void theSameWeightsUnderAnotherVersionChangeNoBit() {
        ModelConfig config = TinyModels.dense();
        try (Transformer model = TinyModels.random(config, DType.F32, 7);
                Parameters parameters = model.parameters()) {
            RolloutRequest request = RolloutRequest.of(3, new int[] {5, 9, 14, 3}, 1);
            Rollout one = replaced(model, model, request, 100, true);
            Rollout two = replaced(model, model, request, 6, true);
            assertThat(two.responseIds()).isEqualTo(one.responseIds());
            assertThat(two.behaviorLogProbs()).isEqualTo(one.behaviorLogProbs());
            assertThat(two.versions()[6]).isOne();
        }
    }

    /** As on a GPU; the ids are those of prompts computed one by one, the log-probabilities theirs up to rounding. */
    @Test
    void promptsThatAreComputedTogetherHaveTheSameResponses() {
        Random random = new Random(17);
        List<RolloutRequest> requests = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            requests.add(RolloutRequest.of(
                    i, random.ints(1 + random.nextInt(40), 2, 97).toArray(), 1 + i % 3));
        }
        SamplingParams params = SamplingParams.of(12, List.of());
        try (Workers pool = new Workers(1);
                Transformer model = TinyModels.random(TinyModels.dense(), DType.F32, 4);
                Parameters parameters = model.parameters();
                PolicyVersion version = new PolicyVersion(0, model);
                LocalRolloutEngine one = new LocalRolloutEngine(pool, 16, 5, ids -> "", false);
                LocalRolloutEngine all = new LocalRolloutEngine(pool, 16, 5, ids -> "", true)) {
            one.publish(version);
            all.publish(version);
            List<Rollout> expected = one.generate(requests, params, rollout -> {});
            List<Rollout> found = all.generate(requests, params, rollout -> {});
            // What is made once in a process is there by now.
            long before = Scope.nativeObjects();
            all.generate(requests, params, rollout -> {});
            assertThat(Scope.nativeObjects()).isEqualTo(before);
            assertThat(found).hasSameSizeAs(expected);
            for (int i = 0; i < found.size(); i++) {
                assertThat(found.get(i).responseIds()).isEqualTo(expected.get(i).responseIds());
                assertThat(found.get(i).behaviorLogProbs())
                        .containsExactly(expected.get(i).behaviorLogProbs(), within(1e-4f));
            }
        }
    }
}

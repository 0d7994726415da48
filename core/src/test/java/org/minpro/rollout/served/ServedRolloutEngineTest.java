package org.minpro.rollout.served;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.minpro.eval.SequenceScorer;
import org.minpro.model.AdapterFolder;
import org.minpro.model.HuggingFaceReader;
import org.minpro.model.HuggingFaceWriter;
import org.minpro.model.LowRankAdapter;
import org.minpro.model.ParameterSelection;
import org.minpro.model.Parameters;
import org.minpro.model.PolicyVersion;
import org.minpro.model.Transformer;
import org.minpro.rollout.Continuation;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutEngine;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;
import org.minpro.rollout.TurnSpan;
import org.minpro.run.ModelFiles;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;

/** Whatever the server does, every response comes once, with its own seed, ids, log-probabilities and versions. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@SuppressWarnings("NullAway.Init") // before all, or each
class ServedRolloutEngineTest {
    private static final SamplingParams PARAMS = SamplingParams.of(10, List.of(1));
    private static final List<RolloutRequest> REQUESTS = List.of(
            RolloutRequest.of(0, new int[] {3, 4, 5}, 4),
            RolloutRequest.of(1, new int[] {4, 4, 9, 5}, 4),
            RolloutRequest.of(7, new int[] {9}, 2));

    @TempDir
    Path folder;

    private HuggingFaceReader files;
    private Workers workers;
    private final List<PolicyVersion> versions = new ArrayList<>();
    private final List<Parameters> parameters = new ArrayList<>();
    private final List<String> notices = Collections.synchronizedList(new ArrayList<>());
    /** Of the engine that is connected next. */
    private Consumer<String> notice = notices::add;

    private double publishSeconds;
    /** Weights that it has room for. */
    private int disk;

    private Path start;
    private FakeVllm server;
    private ServedRolloutEngine engine;
    private boolean connected;
    private boolean adapters;

    /** The trainer's side. */
    private final class Weights implements TrainerWeights {
        @Override
        public boolean isAdapter() {
            return adapters;
        }

        @Override
        public void write(PolicyVersion version, Path target) {
            if (disk-- <= 0) {
                throw new UncheckedIOException("no space left on device", new IOException());
            }
            if (adapters) {
                AdapterFolder.write(
                        target,
                        files.config(),
                        start.toString(),
                        version.model().parameters());
                return;
            }
            try (Scope scope = Scope.open()) {
                assert scope != null;
                HuggingFaceWriter.writeUntied(
                        files, target, version.model().parameters().named(), DType.F32);
            }
        }

        @Override
        public List<double[]> score(PolicyVersion version, List<int[]> sequences, double temperature) {
            return new SequenceScorer(version.model(), workers, temperature).score(sequences);
        }
    }

    @BeforeAll
    void load() {
        files = HuggingFaceReader.open(ModelFiles.open("builtin").path());
        workers = new Workers(1);
        for (int number = 0; number < 3; number++) {
            Parameters weights = Parameters.zeros(files.config(), Device.CPU, DType.F32);
            try (Scope scope = Scope.open()) {
                assert scope != null;
                files.load(weights.named());
                weights.named().values().forEach(tensor -> tensor.multiplyInPlace(1));
                // Another model, and not by rounding.
                Objects.requireNonNull(weights.named().get("model.norm.weight")).multiplyInPlace(1 - 0.2 * number);
                Objects.requireNonNull(weights.named().get("lm_head.weight")).multiplyInPlace(1 - 0.1 * number);
            }
            parameters.add(weights);
            versions.add(new PolicyVersion(number, new Transformer(files.config(), weights)));
        }
    }

    @AfterAll
    void unload() {
        versions.forEach(PolicyVersion::close);
        parameters.forEach(Parameters::close);
        workers.close();
    }

    @BeforeEach
    void serve() {
        notices.clear();
        notice = notices::add;
        publishSeconds = 20;
        disk = Integer.MAX_VALUE;
        adapters = false;
        start = folder.resolve("start" + System.nanoTime());
        new Weights().write(versions.get(2), start);
        server = new FakeVllm(start, 64);
    }

    @AfterEach
    void stop() {
        disconnect();
        server.close();
    }

    private void disconnect() {
        if (connected) {
            engine.close();
            connected = false;
        }
    }

    /** Of vLLM, with four requests at once and limits of a test. */
    static RolloutSettings settings(List<String> urls) {
        return settings(urls, 20);
    }

    private static RolloutSettings settings(List<String> urls, double publishSeconds) {
        return new RolloutSettings(
                RolloutSettings.Engine.SERVED,
                RolloutSettings.Server.VLLM,
                urls,
                "policy",
                "",
                4,
                "",
                "",
                3,
                20,
                publishSeconds,
                20,
                0);
    }

    private ServedRolloutEngine connect(String... more) {
        List<String> urls = new ArrayList<>(List.of(server.url()));
        urls.addAll(List.of(more));
        engine = ServedRolloutEngine.connect(
                new ServedRolloutEngine.Setup(
                        settings(urls, publishSeconds),
                        new Weights(),
                        folder.resolve("weights"),
                        11,
                        files.config().vocabSize(),
                        1e-3,
                        ids -> Arrays.toString(ids),
                        notice),
                Duration.ofMillis(100));
        connected = true;
        return engine;
    }

    private List<Rollout> generate() {
        return generate(rollout -> {});
    }

    private List<Rollout> generate(Consumer<Rollout> finished) {
        List<Rollout> told = Collections.synchronizedList(new ArrayList<>());
        List<Rollout> rollouts = engine.generate(REQUESTS, PARAMS, rollout -> {
            told.add(rollout);
            finished.accept(rollout);
        });
        assertThat(told).containsExactlyInAnyOrderElementsOf(rollouts);
        assertThat(rollouts).hasSize(10);
        return rollouts;
    }

    /** Each token has the log-probability of the version that it names. */
    private void assertOf(PolicyVersion version, List<Rollout> rollouts) {
        for (Rollout rollout : rollouts) {
            assertThat(rollout.versions()).containsOnly(version.number());
            int prompt = rollout.promptIds().length;
            int[] sequence = Arrays.copyOf(rollout.promptIds(), prompt + rollout.length());
            System.arraycopy(rollout.responseIds(), 0, sequence, prompt, rollout.length());
            double[] scores = new Weights().score(version, List.of(sequence), 1).getFirst();
            for (int t = 0; t < rollout.length(); t++) {
                float expected = rollout.responseMask()[t] ? (float) scores[prompt - 1 + t] : 0;
                assertThat(rollout.behaviorLogProbs()[t]).isCloseTo(expected, within(1e-4f));
            }
        }
    }

    @Test
    void aResponseHasItsSeedItsVersionAndTheServersLogProbs() {
        connect();
        assertThat(engine.exactness()).isEqualTo(RolloutEngine.Exactness.NONE);
        engine.publish(versions.get(0));
        List<Rollout> first = generate();
        assertOf(versions.get(0), first);
        assertThat(server.seeds()).hasSize(10).allMatch(seed -> seed >= 0 && seed < 1L << 31);
        assertThat(generate()).isEqualTo(first);
        for (Rollout rollout : first) {
            float[] again = engine.take(rollout.draw(), rollout.sample()).orElseThrow();
            assertThat(again).hasSize(rollout.length());
            assertThat(again[0]).isCloseTo(rollout.behaviorLogProbs()[0], within(1e-4f));
        }
        engine.publish(versions.get(1));
        List<Rollout> second = generate();
        assertOf(versions.get(1), second);
        assertThat(second).isNotEqualTo(first);
        assertThat(notices).anyMatch(line -> line.contains("nats from the trainer's, and are processed"));
    }

    /** Half of the vocabulary ends a turn. */
    private static final SamplingParams TURNS = SamplingParams.of(16, List.of(1, 3, 4, 5, 6, 7, 8, 9));

    /** Begins with an id that the model never samples. */
    private static final int[] SAID = {2, 15};

    /** Says the same after the first two turns. */
    private static final Continuation TWICE = (sample, ids) -> {
        long before = Arrays.stream(ids).filter(id -> id == SAID[0]).count();
        return CompletableFuture.supplyAsync(() -> before < 2 ? SAID : new int[0]);
    };

    private static List<RolloutRequest> continued(Continuation continuation) {
        return REQUESTS.stream().map(request -> request.continued(continuation)).toList();
    }

    private List<Rollout> generateTurns() {
        List<Rollout> told = Collections.synchronizedList(new ArrayList<>());
        List<Rollout> rollouts = engine.generate(continued(TWICE), TURNS, told::add);
        assertThat(told).containsExactlyInAnyOrderElementsOf(rollouts);
        return rollouts;
    }

    @Test
    void aResponseOfSeveralTurnsIsARequestForEach() {
        connect();
        engine.publish(versions.get(0));
        List<Rollout> rollouts = generateTurns();
        assertOf(versions.get(0), rollouts);
        int requests = 0;
        int three = 0;
        for (Rollout rollout : rollouts) {
            List<TurnSpan> spans = TurnSpan.of(rollout.responseMask());
            // The server counts no request for a single token, which might be a probe.
            requests += (int) spans.stream().filter(turn -> turn.from() < 15).count();
            three += spans.size() == 3 ? 1 : 0;
            assertThat(rollout.length()).isLessThanOrEqualTo(16);
            for (int i = 1; i < spans.size(); i++) {
                int end = spans.get(i - 1).to();
                assertThat(TURNS.stopIds()).contains(rollout.responseIds()[end - 1]);
                assertThat(Arrays.copyOfRange(
                                rollout.responseIds(), end, spans.get(i).from()))
                        .isEqualTo(SAID);
            }
            int last = rollout.responseIds()[rollout.length() - 1];
            assertThat(rollout.finish())
                    .isEqualTo(
                            TURNS.stopIds().contains(last) && spans.size() == 3
                                    ? Rollout.Finish.STOP
                                    : Rollout.Finish.LENGTH);
        }
        assertThat(three).isGreaterThan(2);
        assertThat(server.requests()).isEqualTo(requests);
        assertThat(server.seeds()).hasSize(requests);
        Rollout several = rollouts.stream()
                .filter(rollout -> TurnSpan.of(rollout.responseMask()).size() > 1)
                .findFirst()
                .orElseThrow();
        assertThat(engine.take(several.draw(), several.sample())).isPresent();
        assertThat(generateTurns()).isEqualTo(rollouts);
    }

    @ParameterizedTest
    @EnumSource(
            value = FakeVllm.Trap.class,
            names = {"ABORT", "NAN", "CUT_BODY", "FAIL"})
    void aTurnThatIsWrongOnceIsAskedForAgainAndThoseBeforeItStay(FakeVllm.Trap trap) {
        connect();
        engine.publish(versions.get(0));
        List<Rollout> sound = generateTurns();
        int before = server.requests();
        server.set(trap, 2);
        assertThat(generateTurns()).isEqualTo(sound);
        assertThat(server.left(trap)).isZero();
        assertThat(server.requests() - before).isBetween(before, before + 2);
    }

    /** Four responses wait for as many others as the server takes at once. */
    @Test
    void aResponseThatWaitsForItsContinuationHoldsUpNoOther() {
        connect();
        engine.publish(versions.get(0));
        CompletableFuture<int[]> others = new CompletableFuture<>();
        AtomicInteger finished = new AtomicInteger();
        List<RolloutRequest> requests = List.of(
                REQUESTS.get(0).continued((sample, ids) -> ids.length > 8 ? NOTHING : others),
                REQUESTS.get(1),
                REQUESTS.get(2));
        List<Rollout> rollouts = engine.generate(requests, TURNS, rollout -> {
            if (rollout.draw() != 0 && finished.incrementAndGet() == 6) {
                others.complete(SAID);
            }
        });
        assertThat(rollouts).hasSize(10);
        assertThat(rollouts.subList(0, 4))
                .anyMatch(rollout -> TurnSpan.of(rollout.responseMask()).size() > 1);
    }

    private static final CompletableFuture<int[]> NOTHING = CompletableFuture.completedFuture(new int[0]);

    @Test
    void whatAContinuationThrowsAndACancellationEndWhatWaits() throws Exception {
        connect();
        engine.publish(versions.get(0));
        IllegalStateException broken = new IllegalStateException("broken");
        CompletableFuture<int[]> never = new CompletableFuture<>();
        Continuation mixed = (sample, ids) -> sample == 0 ? CompletableFuture.failedFuture(broken) : never;
        assertThatThrownBy(() -> engine.generate(continued(mixed), TURNS, rollout -> {}))
                .isSameAs(broken);
        AtomicInteger asked = new AtomicInteger();
        Continuation silent = (sample, ids) -> {
            asked.incrementAndGet();
            return never;
        };
        CompletableFuture<List<Rollout>> underWay =
                CompletableFuture.supplyAsync(() -> engine.generate(continued(silent), TURNS, rollout -> {}));
        while (asked.get() == 0) {
            LockSupport.parkNanos(200_000);
        }
        engine.cancel();
        assertThatThrownBy(underWay::join).hasRootCauseInstanceOf(CancellationException.class);
    }

    /** What is wrong in an answer, or away for a moment, costs another attempt with the same seed and nothing else. */
    @Tag("slow")
    @ParameterizedTest
    @EnumSource(
            value = FakeVllm.Trap.class,
            names = {"ABORT", "NAN", "OTHER_ID", "WORD_TOKEN", "SHORT", "CLAMP", "CUT_BODY", "FAIL"})
    void whatIsWrongOnceIsAskedForAgain(FakeVllm.Trap trap) {
        connect();
        engine.publish(versions.get(0));
        List<Rollout> sound = generate();
        server.set(trap, 2);
        assertThat(generate()).isEqualTo(sound);
        assertThat(server.left(trap)).isZero();
    }

    @ParameterizedTest
    @EnumSource(
            value = FakeVllm.Trap.class,
            names = {"NAN", "OTHER_ID", "WORD_TOKEN", "SHORT", "CLAMP"})
    void whatIsAlwaysWrongIsNeverTrainedOn(FakeVllm.Trap trap) {
        connect();
        engine.publish(versions.get(0));
        server.set(trap, Integer.MAX_VALUE);
        List<Rollout> told = Collections.synchronizedList(new ArrayList<>());
        assertThatThrownBy(() -> engine.generate(REQUESTS, SamplingParams.of(10, List.of()), told::add))
                .isInstanceOfSatisfying(
                        ServerException.class,
                        e -> assertThat(e.kind())
                                .isEqualTo(
                                        trap == FakeVllm.Trap.CLAMP
                                                ? ServerException.Kind.CLAMPED
                                                : ServerException.Kind.INVALID_RESPONSE));
        assertThat(told).isEmpty();
    }

    @Tag("slow")
    @ParameterizedTest
    @EnumSource(
            value = FakeVllm.Trap.class,
            names = {"POISONED_RELOAD", "STALE_RELOAD", "TIED_HEAD", "CACHE_KEPT", "SALT_IGNORED", "NO_SPANS"})
    void weightsThatAreNotTakenAreGivenAgainBeforeAnythingIsSampled(FakeVllm.Trap trap) {
        boolean lasting = trap == FakeVllm.Trap.NO_SPANS || trap == FakeVllm.Trap.SALT_IGNORED;
        server.set(trap, lasting ? Integer.MAX_VALUE : 0);
        connect();
        engine.publish(versions.get(0));
        generate();
        if (!lasting) {
            server.set(trap, 1);
        }
        engine.publish(versions.get(1));
        assertOf(versions.get(1), generate());
        // The next token after a failed reload would have killed it.
        assertThat(server.isDead()).isFalse();
        assertThat(server.isPaused()).isFalse();
    }

    private static final SamplingParams WARM = new SamplingParams(0.7, 0, 1, 0, 10, List.of(1), List.of(), false);

    @Tag("slow")
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aServerThatRestartsUnaskedWithOtherFlagsGivesNoLogProbsOfTheWrongTemperature(boolean asAdapters) {
        List<PolicyVersion> published = asAdapters ? adapted() : versions;
        connect();
        engine.publish(published.get(0));
        engine.generate(REQUESTS, WARM, rollout -> {});
        server.kill();
        server.set(FakeVllm.Trap.RAW, 1);
        server.start();
        engine.publish(published.get(1));
        List<Rollout> told = Collections.synchronizedList(new ArrayList<>());
        assertThatThrownBy(() -> engine.generate(REQUESTS, WARM, told::add))
                .hasMessageContaining("--logprobs-mode processed_logprobs");
        assertThat(told).isEmpty();
        assertOf(published.get(1), generate());
        server.kill();
        server.set(FakeVllm.Trap.RAW, 0);
        server.start();
        engine.publish(published.get(2));
        assertThat(engine.generate(REQUESTS, WARM, rollout -> {})).hasSize(10);
    }

    /** With log-probabilities of another temperature, or with too little room. */
    @Tag("slow")
    @ParameterizedTest
    @ValueSource(ints = {64, 8})
    void aServerThatComesBackWithFlagsThatDoNotServeIsLeftToTheOthers(int context) throws Exception {
        try (FakeVllm second = new FakeVllm(start, 64)) {
            connect(second.url());
            engine.publish(versions.get(0));
            engine.generate(REQUESTS, WARM, rollout -> {});
            server.delayMicros = 2000;
            second.delayMicros = 2000;
            int before = server.tokens();
            CompletableFuture<List<Rollout>> underWay =
                    CompletableFuture.supplyAsync(() -> engine.generate(REQUESTS, WARM, rollout -> {}));
            server.awaitTokens(before + 8);
            server.kill();
            server.set(FakeVllm.Trap.RAW, context == 64 ? 1 : 0);
            server.start(context);
            assertThat(underWay.get()).hasSize(10);
            while (notices.stream().noneMatch(line -> line.startsWith("warning: server " + server.url()))) {
                LockSupport.parkNanos(1_000_000);
            }
            int asked = server.requests();
            assertThat(engine.generate(REQUESTS, WARM, rollout -> {})).hasSize(10);
            assertThat(server.requests()).isEqualTo(asked);
        }
    }

    @Test
    void aServerThatRefusesSinceItWasStartedAnewIsLeftOutAndTheOthersGoOn() {
        try (FakeVllm second = new FakeVllm(start, 64)) {
            connect(second.url());
            engine.publish(versions.get(0));
            second.kill();
            second.set(FakeVllm.Trap.NO_SCALE_OUT, 1);
            second.start();
            assertOf(versions.get(0), generate());
            assertThat(notices).anyMatch(line -> line.startsWith("warning: server left out: " + second.url()));
        }
    }

    /** As the listener of a run does whose disk is full. */
    @Tag("slow")
    @Test
    @Timeout(30)
    void aNoticeThatCannotBeToldCostsNoServer() {
        notice = line -> {
            throw new UncheckedIOException("no space left on device", new IOException());
        };
        connect();
        engine.publish(versions.get(0));
        generate();
        server.set(FakeVllm.Trap.POISONED_RELOAD, 1);
        engine.publish(versions.get(1));
        assertOf(versions.get(1), generate());
        server.kill();
        server.start();
        assertOf(versions.get(1), generate());
    }

    @Tag("slow")
    @Test
    void aServerThatRestartsWithOldWeightsGetsTheNewOnes() throws Exception {
        connect();
        engine.publish(versions.get(0));
        List<Rollout> sound = generate();
        server.delayMicros = 2000;
        int before = server.tokens();
        CompletableFuture<List<Rollout>> underWay = CompletableFuture.supplyAsync(this::generate);
        server.awaitTokens(before + 8);
        server.kill();
        server.start();
        assertThat(underWay.get()).isEqualTo(sound);
        assertThat(notices).anyMatch(line -> line.startsWith("warning: server down"));
        assertThat(notices).anyMatch(line -> line.contains("is back, with version 0"));
    }

    @Test
    void aServerThatFailsAndIsGoneIsWaitedFor() throws Exception {
        connect();
        engine.publish(versions.get(0));
        List<Rollout> sound = generate();
        server.set(FakeVllm.Trap.CRASH, 1);
        CompletableFuture<List<Rollout>> underWay = CompletableFuture.supplyAsync(this::generate);
        while (!server.isDead()) {
            LockSupport.parkNanos(1_000_000);
        }
        assertThat(underWay).isNotDone();
        server.start();
        assertThat(underWay.get()).isEqualTo(sound);
        assertThat(notices).anyMatch(line -> line.startsWith("warning: server down"));
    }

    /** The model of the start, with adapters that add more and more to it. */
    private List<PolicyVersion> adapted() {
        adapters = true;
        HuggingFaceReader base = HuggingFaceReader.open(start);
        LowRankAdapter adapter =
                LowRankAdapter.of(base.config(), 4, 8, LowRankAdapter.Variant.LORA, List.of("all-linear"));
        List<PolicyVersion> adapted = new ArrayList<>();
        for (int number = 0; number < 5; number++) {
            Parameters weights = Parameters.zeros(
                    base.config(), ParameterSelection.of(base.config(), adapter), Device.CPU, DType.F32, DType.F32);
            try (Scope scope = Scope.open()) {
                assert scope != null;
                base.load(weights.named());
                double size = 0.1 * number;
                weights.adapter().values().forEach(tensor -> {
                    double[] values =
                            Philox.normals((int) tensor.elements(), 5, Philox.Purpose.ADAPTER, tensor.elements());
                    float[] scaled = new float[values.length];
                    for (int i = 0; i < scaled.length; i++) {
                        scaled[i] = (float) (size * values[i]);
                    }
                    tensor.copyInPlace(Tensor.of(Device.CPU, scaled, tensor.shape()));
                });
            }
            parameters.add(weights);
            PolicyVersion version = new PolicyVersion(number, new Transformer(base.config(), weights));
            versions.add(version);
            adapted.add(version);
        }
        return adapted;
    }

    @Tag("slow")
    @Test
    void anAdapterHasANameAndAFolderOfItsOwnInEachVersion() throws Exception {
        List<PolicyVersion> adapted = adapted();
        connect();
        List<Rollout> before = List.of();
        for (PolicyVersion version : adapted) {
            engine.publish(version);
            List<Rollout> rollouts = generate();
            assertOf(version, rollouts);
            assertThat(rollouts).isNotEqualTo(before);
            before = rollouts;
            assertThat(server.adapters()).hasSizeBetween(1, 2);
            try (Stream<Path> folders = Files.list(folder.resolve("weights"))) {
                assertThat(folders.filter(path -> path.getFileName().toString().endsWith("-" + version.number())))
                        .hasSize(1);
            }
        }
        assertThat(server.isPaused()).isFalse();
        assertThat(engine.take(0, 0)).isPresent();
        // Those that servers may read again, and no others.
        try (Stream<Path> folders = Files.list(folder.resolve("weights"))) {
            assertThat(folders.filter(path -> Files.exists(path.resolve("adapter_config.json"))))
                    .hasSizeBetween(2, 3);
        }
    }

    @Tag("slow")
    @Test
    void responsesUnderWayEndWithTheAdapterThatTheyBeganWith() throws Exception {
        List<PolicyVersion> adapted = adapted();
        connect();
        engine.publish(adapted.get(0));
        List<Rollout> sound = generate();
        server.delayMicros = 3000;
        int before = server.tokens();
        CompletableFuture<List<Rollout>> underWay = CompletableFuture.supplyAsync(this::generate);
        server.awaitTokens(before + 8);
        // More than it keeps in memory: what is sampled with is read again.
        engine.replace(adapted.get(1));
        engine.replace(adapted.get(2));
        engine.replace(adapted.get(3));
        List<Rollout> rollouts = underWay.get();
        assertThat(rollouts).anyMatch(rollout -> rollout.version() == 0);
        for (int i = 0; i < rollouts.size(); i++) {
            Rollout rollout = rollouts.get(i);
            assertOf(adapted.get((int) rollout.version()), List.of(rollout));
            if (rollout.version() == 0) {
                assertThat(rollout).isEqualTo(sound.get(i));
            }
        }
        server.delayMicros = 0;
        engine.replace(adapted.get(4));
        assertOf(adapted.get(4), generate());
        assertThat(server.isDead()).isFalse();
        assertThat(server.adapters()).hasSize(2);
        assertThat(notices).noneMatch(line -> line.startsWith("warning"));
    }

    @Test
    void aServerThatForgotItsAdaptersGetsTheNewest() {
        List<PolicyVersion> adapted = adapted();
        connect();
        engine.publish(adapted.get(1));
        List<Rollout> sound = generate();
        server.kill();
        server.start();
        assertThat(server.adapters()).isEmpty();
        assertThat(generate()).isEqualTo(sound);
        assertThat(notices).anyMatch(line -> line.contains("is back, with version 1"));
    }

    @Test
    void aServerThatTakesNoAdapterIsRefusedWithTheFlagToChange() {
        List<PolicyVersion> adapted = adapted();
        server.set(FakeVllm.Trap.NO_ADAPTERS, 1);
        connect();
        assertThatThrownBy(() -> engine.publish(adapted.get(2)))
                .hasMessageContaining("VLLM_ALLOW_RUNTIME_LORA_UPDATING=1")
                .hasMessageContaining("--enable-lora --max-lora-rank");
        server.set(FakeVllm.Trap.NO_ADAPTERS, 0);
        server.set(FakeVllm.Trap.IDLE_ADAPTER, 1);
        disconnect();
        connect();
        assertThatThrownBy(() -> engine.publish(adapted.get(2)))
                .hasMessageContaining("must compute as the trainer does at the same weights");
        assertThat(server.adapters()).isEmpty();
    }

    @Tag("slow")
    @Test
    void responsesUnderWayGoOnWithNewWeightsAndSayFromWhichTokenOn() throws Exception {
        connect();
        engine.publish(versions.get(0));
        server.delayMicros = 3000;
        int before = server.tokens();
        CompletableFuture<List<Rollout>> underWay = CompletableFuture.supplyAsync(this::generate);
        server.awaitTokens(before + 8);
        engine.replace(versions.get(1));
        List<Rollout> rollouts = underWay.get();
        assertThat(rollouts)
                .anyMatch(rollout -> rollout.versions()[0] == 0 && rollout.versions()[rollout.length() - 1] == 1);
        for (Rollout rollout : rollouts) {
            assertThat(rollout.versions()).isSorted();
        }
        assertOf(versions.get(1), generate());
    }

    @Tag("slow")
    @Test
    void publishedWeightsWaitForResponsesUnderWay() throws Exception {
        connect();
        engine.publish(versions.get(0));
        List<Rollout> sound = generate();
        server.delayMicros = 2000;
        int before = server.tokens();
        CompletableFuture<List<Rollout>> underWay = CompletableFuture.supplyAsync(this::generate);
        server.awaitTokens(before + 8);
        engine.publish(versions.get(1));
        assertThat(underWay.get()).isEqualTo(sound);
        assertOf(versions.get(1), generate());
    }

    @Tag("slow")
    @Test
    void requestsGoToTheServerThatHasFewest() {
        try (FakeVllm second = new FakeVllm(start, 64)) {
            connect(second.url());
            engine.publish(versions.get(0));
            server.delayMicros = 500;
            second.delayMicros = 500;
            generate();
            assertThat(server.requests()).isBetween(3, 7);
            assertThat(second.requests()).isEqualTo(10 - server.requests());
            server.kill();
            assertOf(versions.get(0), generate());
            disconnect();
            server.start();
        }
    }

    @Test
    void aServerThatDoesNotServeIsRefusedWithTheFlagToChange() {
        server.set(FakeVllm.Trap.NO_SCALE_OUT, 1);
        assertThatThrownBy(this::connect).hasMessageContaining("--enable-scale-out");
        server.set(FakeVllm.Trap.NO_SCALE_OUT, 0);
        server.set(FakeVllm.Trap.NO_DEV_MODE, 1);
        assertThatThrownBy(this::connect).hasMessageContaining("VLLM_SERVER_DEV_MODE=1");
        server.set(FakeVllm.Trap.NO_DEV_MODE, 0);
        server.set(FakeVllm.Trap.RAW, 1);
        connect();
        engine.publish(versions.get(0));
        assertOf(versions.get(0), generate());
        SamplingParams warm = new SamplingParams(0.7, 0, 1, 0, 10, List.of(), List.of(), false);
        assertThatThrownBy(() -> engine.generate(REQUESTS, warm, rollout -> {}))
                .hasMessageContaining("--logprobs-mode processed_logprobs");
        assertThatThrownBy(() -> engine.generate(
                        REQUESTS, new SamplingParams(1, 5, 1, 0, 10, List.of(), List.of(), false), rollout -> {}))
                .hasMessageContaining("sampling must not be truncated");
        assertThatThrownBy(() -> engine.generate(REQUESTS, SamplingParams.of(80, List.of()), rollout -> {}))
                .hasMessageContaining("--max-model-len");
    }

    @ParameterizedTest
    @EnumSource(
            value = FakeVllm.Trap.class,
            names = {"STALE_RELOAD", "TIED_HEAD"})
    void aServerThatNeverTakesTheWeightsIsRefused(FakeVllm.Trap trap) {
        server.set(trap, 1);
        connect();
        assertThatThrownBy(() -> engine.publish(versions.get(0)))
                .hasMessageContaining("minpro served-folder")
                .hasMessageContaining("rollout.mismatch-bound");
    }

    @Tag("slow")
    @Test
    void aServerThatHangsIsGivenUpAndComesBack() throws Exception {
        connect();
        engine.publish(versions.get(0));
        List<Rollout> sound = generate();
        server.set(FakeVllm.Trap.HANG, 1);
        CompletableFuture<List<Rollout>> underWay = CompletableFuture.supplyAsync(this::generate);
        while (notices.stream().noneMatch(line -> line.startsWith("warning: server down"))) {
            LockSupport.parkNanos(1_000_000);
        }
        server.set(FakeVllm.Trap.HANG, 0);
        assertThat(underWay.get()).isEqualTo(sound);
    }

    /** What hangs while nobody asks it anything holds the others up for two short questions, not for rollout.publish-seconds. */
    @Tag("slow")
    @Test
    void aServerThatHangsUnaskedDoesNotHoldUpNewWeights() {
        try (FakeVllm second = new FakeVllm(start, 64)) {
            publishSeconds = 60;
            connect(second.url());
            engine.publish(versions.get(0));
            generate();
            server.set(FakeVllm.Trap.HANG, 1);
            long begin = System.nanoTime();
            engine.publish(versions.get(1));
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(30));
            assertOf(versions.get(1), generate());
            assertThat(notices).anyMatch(line -> line.startsWith("warning: server down: " + server.url()));
            server.set(FakeVllm.Trap.HANG, 0);
        }
    }

    @Test
    void aRunLeavesTwoFoldersOfWeightsHoweverOftenItIsStarted() throws Exception {
        Path weights = folder.resolve("weights");
        Files.createDirectories(weights);
        Path others = Files.createDirectory(weights.resolve("0123abcd-4567abcd-0"));
        for (int begun = 0; begun < 2; begun++) {
            connect();
            engine.publish(versions.get(0));
            engine.publish(versions.get(1));
            disconnect();
        }
        String owner = Files.readString(weights.resolve("owner")).strip();
        try (Stream<Path> folders = Files.list(weights)) {
            assertThat(folders.filter(path -> path.getFileName().toString().startsWith(owner)))
                    .hasSize(2);
        }
        assertThat(others).exists();
        // As a killed start leaves it.
        Path part = Files.createDirectory(weights.resolve(owner + "-0123abcd-7.part"));
        connect();
        assertThat(part).doesNotExist();
        engine.publish(versions.get(0));
        disk = 0;
        assertThatThrownBy(() -> engine.publish(versions.get(1))).hasMessageContaining("no space left");
        try (Stream<Path> folders = Files.list(weights)) {
            assertThat(folders.filter(path -> path.toString().endsWith(".part")))
                    .isEmpty();
        }
        disk = 1;
        assertOf(versions.get(1), generate());
    }
}

package org.minpro.rollout.served;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import org.minpro.config.Variables;
import org.minpro.model.PolicyVersion;
import org.minpro.rollout.Continuation;
import org.minpro.rollout.PublishedVersion;
import org.minpro.rollout.Rescored;
import org.minpro.rollout.Rollout;
import org.minpro.rollout.RolloutEngine;
import org.minpro.rollout.RolloutRequest;
import org.minpro.rollout.SamplingParams;
import org.minpro.tensor.Philox;

/**
 * Has inference servers generate, one request for each turn of a response, and pushes new weights to them.
 *
 * <p>A turn has the seed {@code Philox(run's seed, draw, sample, tokens of the response before it)} in every attempt. Every answer
 * is checked before anybody sees it; one that does not fit is asked for again with the same seed. What a server samples is not a
 * function of the seed alone, so this engine promises nothing ({@link Exactness#NONE}).
 *
 * <p>A response that waits to be told how it goes on is no request of any server.
 */
public final class ServedRolloutEngine implements RolloutEngine, Rescored {
    /** Tokens of a probe, if the servers' context has room. */
    private static final int PROBE = 64;

    /** Times {@code attempts}: how often a response may be begun in all. */
    private static final int MOST_OUTAGES = 20;

    /** Responses of a generation that are scored again. */
    private static final int RESCORED = 32;

    private final Setup setup;
    private final ServerPool pool;
    private final WeightFolders folders;
    private final String run;
    private final Map<Place, float[]> rescored = new ConcurrentHashMap<>();
    /** Responses of the generation under way that were sampled with the one version that their requests were sent to. */
    private final Set<Place> ofOneVersion = ConcurrentHashMap.newKeySet();
    /** Versions that responses under way may have been sampled from, by number; held while something is generated. */
    private final Map<Long, PolicyVersion> held = new HashMap<>();

    private final PublishedVersion published = new PublishedVersion();
    /** The number of the newest weights that the servers were given. */
    private long pushed = -1;

    /** Held by whoever gives the servers weights. */
    private final ReentrantLock pushing = new ReentrantLock();

    private boolean generating;
    /** Completed with an exception when nobody waits for the present generation any more. */
    private volatile CompletableFuture<int[]> ended = new CompletableFuture<>();

    private volatile boolean cancelled;

    /**
     * What an engine is made of.
     *
     * @param settings of the servers
     * @param weights the trainer's side
     * @param folder of the run's own; weights are written to it, unless the settings name another folder
     * @param seed of the run
     * @param vocabulary ids are below it
     * @param bound of the difference between the servers' log-probabilities and the trainer's, nats
     * @param text decodes response ids without special tokens
     * @param notice told of what a person should know, from any thread
     */
    public record Setup(
            RolloutSettings settings,
            TrainerWeights weights,
            Path folder,
            long seed,
            int vocabulary,
            double bound,
            Function<int[], String> text,
            Consumer<String> notice) {}

    private record Place(long draw, int sample) {}

    /**
     * Connects to the servers.
     *
     * @throws ServerException where one cannot be used; the message says what to change
     */
    public static ServedRolloutEngine connect(Setup setup) {
        return connect(setup, Duration.ofSeconds(10));
    }

    /** @param watch how often servers at work are asked whether they live */
    static ServedRolloutEngine connect(Setup setup, Duration watch) {
        RolloutSettings settings = setup.settings();
        String key = Variables.resolved("rollout.api-key", settings.apiKey(), System::getenv);
        List<InferenceServer> servers = new ArrayList<>();
        for (String url : settings.urls()) {
            ServerConnection connection = new ServerConnection(url, key);
            servers.add(
                    settings.server() == RolloutSettings.Server.VLLM
                            ? new VllmServer(connection, settings)
                            : new SglangServer(connection, settings));
        }
        ServedRolloutEngine engine = new ServedRolloutEngine(setup, servers, watch);
        try {
            engine.pool.start();
        } catch (RuntimeException e) {
            engine.close();
            throw e;
        }
        return engine;
    }

    private ServedRolloutEngine(Setup setup, List<InferenceServer> servers, Duration watch) {
        this.setup = setup;
        RolloutSettings settings = setup.settings();
        String owner = WeightFolders.owner(setup.folder());
        // Weights of one start never pass for those of another.
        this.run = owner + "-" + UUID.randomUUID().toString().substring(0, 8);
        this.folders = new WeightFolders(
                settings.weightsFolder().isEmpty() ? setup.folder() : Path.of(settings.weightsFolder()),
                settings.weightsPathOnServer(),
                owner,
                this::isLoaded);
        this.pool = new ServerPool(
                servers,
                setup.settings(),
                weights -> folders.onServer(weights.folder()),
                setup.bound(),
                watch,
                setup.notice());
    }

    private boolean isLoaded(Path folder) {
        return pool.isLoaded(folder);
    }

    @Override
    public Exactness exactness() {
        return Exactness.NONE;
    }

    /** Responses under way end under the weights that they began with: the servers get these before the next ones. */
    @Override
    public void publish(PolicyVersion version) {
        synchronized (this) {
            published.set(version);
            if (generating) {
                return;
            }
        }
        push(InferenceServer.InFlight.ABORT);
    }

    @Override
    public void replace(PolicyVersion version) {
        synchronized (this) {
            published.set(version);
        }
        push(InferenceServer.InFlight.KEEP);
    }

    @Override
    public synchronized void withdraw() {
        published.withdraw();
    }

    /** Gives the servers the published weights, unless they have them. */
    private void push(InferenceServer.InFlight inFlight) {
        pushing.lock();
        try {
            pushPublished(inFlight);
        } finally {
            pushing.unlock();
        }
    }

    private void pushPublished(InferenceServer.InFlight inFlight) {
        PolicyVersion version;
        synchronized (this) {
            version = published.required();
            if (version.number() == pushed) {
                return;
            }
            version.hold();
            if (generating) {
                held.computeIfAbsent(version.number(), number -> version.hold());
            }
        }
        try (version) {
            String label = run + "-" + version.number();
            int[] probe = probe();
            double[] logProbs =
                    setup.weights().score(version, List.of(probe), 1).getFirst();
            Path folder = folders.write(label, part -> setup.weights().write(version, part));
            pool.publish(
                    new Published(version.number(), label, setup.weights().isAdapter(), folder, probe, logProbs),
                    inFlight);
            synchronized (this) {
                pushed = version.number();
            }
        }
    }

    private int[] probe() {
        int[] ids = new int[Math.clamp(pool.context() - 1, 2, PROBE)];
        for (int t = 0; t < ids.length; t++) {
            ids[t] = Philox.below(setup.vocabulary(), 0, Philox.Purpose.SERVING, 0, 0, t);
        }
        return ids;
    }

    @Override
    public List<Rollout> generate(List<RolloutRequest> requests, SamplingParams params, Consumer<Rollout> finished) {
        requireSupported(params);
        if (requests.isEmpty()) {
            return List.of();
        }
        push(InferenceServer.InFlight.ABORT);
        int longest = requests.stream()
                .mapToInt(request -> request.promptIds().length)
                .max()
                .getAsInt();
        pool.requireServed(new ServerPool.Needs(longest + params.maxNewTokens(), params.reportedTemperature()));
        CompletableFuture<int[]> end = new CompletableFuture<>();
        synchronized (this) {
            generating = true;
            ended = end;
            PolicyVersion version = published.get();
            if (version != null) {
                held.computeIfAbsent(version.number(), number -> version.hold());
            }
        }
        try {
            if (cancelled) {
                breakOff(end, wasCancelled());
            }
            List<Rollout> rollouts = generated(requests, params, end, finished);
            rescore(rollouts, params);
            return rollouts;
        } finally {
            synchronized (this) {
                generating = false;
                ofOneVersion.clear();
                held.values().forEach(PolicyVersion::close);
                held.clear();
            }
        }
    }

    private static void requireSupported(SamplingParams params) {
        if (params.truncates()) {
            throw new IllegalArgumentException(
                    "sampling must not be truncated with rollout.engine served (top-k 0, top-p 1,"
                            + " min-p 0): servers do not report the mass that truncation kept");
        }
        if (!params.stop().isEmpty()) {
            throw new IllegalArgumentException("sampling.stop must be empty with rollout.engine served, got: "
                    + params.stop() + "; servers are asked for token ids, so give sampling.stop-token-ids");
        }
    }

    /** Ends whatever waits in a generation; the first reason counts. */
    private void breakOff(CompletableFuture<int[]> end, Throwable why) {
        if (end.completeExceptionally(why)) {
            pool.breakOff();
        }
    }

    private static CancellationException wasCancelled() {
        return new CancellationException("generation was cancelled");
    }

    private List<Rollout> generated(
            List<RolloutRequest> requests,
            SamplingParams params,
            CompletableFuture<int[]> end,
            Consumer<Rollout> finished) {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Rollout>> futures = new ArrayList<>();
            for (RolloutRequest request : requests) {
                for (int sample : request.samples()) {
                    futures.add(threads.submit(() -> {
                        try {
                            Rollout rollout = response(request, sample, params, end);
                            finished.accept(rollout);
                            return rollout;
                        } catch (RuntimeException | Error e) {
                            breakOff(end, e);
                            throw e;
                        }
                    }));
                }
            }
            try {
                List<Rollout> rollouts = new ArrayList<>();
                for (Future<Rollout> future : futures) {
                    rollouts.add(result(future));
                }
                return rollouts;
            } catch (RuntimeException | Error e) {
                breakOff(end, e);
                throw Continuation.failure(end.handle((ids, why) -> why).join());
            }
        }
    }

    private static Rollout result(Future<Rollout> future) {
        try {
            return future.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            if (e.getCause() instanceof Error failure) {
                throw failure;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while responses were waited for", e);
        }
    }

    /** One response: turns of servers, and between them what its continuation says. */
    private Rollout response(RolloutRequest request, int sample, SamplingParams params, CompletableFuture<int[]> end) {
        GrowingResponse response = new GrowingResponse(request, sample, params.maxNewTokens());
        Rollout.Finish finish = generate(response, params, end);
        while (finish == Rollout.Finish.STOP) {
            int[] said = said(request.continuation().after(sample, response.ids()), end);
            if (said.length == 0) {
                break;
            }
            response.said(said);
            finish = response.room() == 0 ? Rollout.Finish.LENGTH : generate(response, params, end);
        }
        if (response.isOfOneVersion()) {
            ofOneVersion.add(new Place(request.draw(), sample));
        }
        return response.rollout(finish, setup.text().apply(response.ids()));
    }

    private static int[] said(CompletionStage<int[]> reply, CompletableFuture<int[]> end) {
        try {
            return reply.toCompletableFuture()
                    .applyToEither(end, Function.identity())
                    .join();
        } catch (CompletionException e) {
            throw Continuation.failure(e);
        }
    }

    /** The next turn of a response, in as many attempts as it takes. */
    private Rollout.Finish generate(GrowingResponse response, SamplingParams params, CompletableFuture<int[]> end) {
        int seed = (int) (Philox.bits(
                        setup.seed(),
                        Philox.Purpose.SERVING,
                        response.request().draw(),
                        response.sample(),
                        response.length())
                & 0x7FFF_FFFF);
        SamplingParams ofTurn = params.withMaxNewTokens(response.room());
        int answered = 0;
        for (int attempt = 1; ; attempt++) {
            try {
                GrowingResponse.Turn turn = attempt(response, ofTurn, seed, attempt, end);
                response.generated(turn);
                return turn.finish();
            } catch (ServerException e) {
                answered += e.isOfAnswer() ? 1 : 0;
                if (answered >= setup.settings().attempts()
                        || attempt >= MOST_OUTAGES * setup.settings().attempts()) {
                    throw e;
                }
            }
        }
    }

    private GrowingResponse.Turn attempt(
            GrowingResponse response, SamplingParams params, int seed, int attempt, CompletableFuture<int[]> end) {
        int[] prompt = response.prompt();
        ServerPool.Taken taken = pool.take(
                new ServerPool.Needs(prompt.length + params.maxNewTokens(), params.reportedTemperature()), end::isDone);
        try {
            InferenceServer.Answer answer = taken.member()
                    .server()
                    .generate(new InferenceServer.Prompt(
                            run + "-" + response.request().draw() + "-" + response.sample() + "-" + response.length()
                                    + "-" + attempt,
                            taken.weights().adapter() ? taken.label() : null,
                            prompt,
                            params,
                            seed,
                            taken.label()));
            return checked(taken, params, answer);
        } catch (ServerException e) {
            if (cancelled || end.isDone()) {
                CancellationException broken = wasCancelled();
                broken.initCause(e);
                throw broken;
            }
            if (e.needsHandshake()) {
                pool.lost(taken.member(), e);
            }
            throw e;
        } finally {
            pool.give(taken);
        }
    }

    private GrowingResponse.Turn checked(ServerPool.Taken taken, SamplingParams params, InferenceServer.Answer answer) {
        String url = taken.member().server().url();
        int[] ids = answer.ids();
        int time = ids.length;
        if (answer.finish().equals("abort")) {
            throw new ServerException(
                    ServerException.Kind.ABORTED, url + " ended a response after " + time + " tokens");
        }
        require(time > 0 && time <= params.maxNewTokens(), url, "1 to " + params.maxNewTokens() + " tokens", time);
        // First of all: whatever else is wrong with what another process says is no fault of an answer.
        long[] versions = versions(taken, answer, time);
        require(
                Arrays.equals(ids, answer.logProbIds()),
                url,
                "a log-probability for each id",
                time + " ids and " + answer.logProbs().length + " log-probabilities, or of other ids");
        float[] logProbs = new float[time];
        for (int t = 0; t < time; t++) {
            require(ids[t] >= 0 && ids[t] < setup.vocabulary(), url, "ids in [0, " + setup.vocabulary() + ")", ids[t]);
            double logProb = answer.logProbs()[t];
            require(
                    Double.isFinite(logProb) && logProb <= 1e-6 && logProb > VllmServer.ABSENT,
                    url,
                    "finite log-probabilities <= 0",
                    logProb);
            logProbs[t] = (float) Math.min(0, logProb);
            require(
                    t == time - 1 || !params.stopIds().contains(ids[t]),
                    url,
                    "responses that end with the first stop id",
                    "stop id " + ids[t] + " as token " + t + " of " + time);
        }
        boolean stopped = params.stopIds().contains(ids[time - 1]);
        if (answer.finish().equals("length") && !stopped && time < params.maxNewTokens()) {
            throw new ServerException(
                    ServerException.Kind.CLAMPED,
                    url + " must generate up to sampling.max-new-tokens (" + params.maxNewTokens() + "), got: " + time
                            + " tokens that ended at a limit; raise its "
                            + taken.member().server().flags().context());
        }
        require(
                answer.finish().equals("length") || answer.finish().equals("stop") && stopped,
                url,
                "responses that end at a stop id or the limit",
                "finish '" + answer.finish() + "' after id " + ids[time - 1]);
        return new GrowingResponse.Turn(
                ids,
                logProbs,
                versions,
                taken.weights().number(),
                stopped ? Rollout.Finish.STOP : Rollout.Finish.LENGTH);
    }

    private long[] versions(ServerPool.Taken taken, InferenceServer.Answer answer, int time) {
        long[] versions = new long[time];
        if (answer.spans().isEmpty()) {
            Arrays.fill(versions, pool.versionOf(taken));
            return versions;
        }
        int covered = 0;
        for (InferenceServer.Span span : answer.spans()) {
            require(
                    span.start() == covered && span.end() >= covered && span.end() <= time,
                    taken.member().server().url(),
                    "versions that cover the response",
                    answer.spans());
            if (span.end() > covered) {
                Arrays.fill(versions, covered, span.end(), pool.versionOf(taken.member(), span.label()));
            }
            covered = span.end();
        }
        require(covered == time, taken.member().server().url(), "versions that cover the response", answer.spans());
        return versions;
    }

    private static void require(boolean holds, String url, String rule, Object got) {
        if (!holds) {
            throw new ServerException(
                    ServerException.Kind.INVALID_RESPONSE, url + " must answer with " + rule + ", got: " + got);
        }
    }

    /** Scores a seeded choice of responses again, with the one version that each was sampled from. */
    private void rescore(List<Rollout> rollouts, SamplingParams params) {
        Map<Long, List<Rollout>> byVersion = new HashMap<>();
        Map<Long, PolicyVersion> versions;
        synchronized (this) {
            versions = Map.copyOf(held);
        }
        rollouts.stream()
                .filter(rollout -> versions.containsKey(rollout.version())
                        && ofOneVersion.contains(new Place(rollout.draw(), rollout.sample())))
                .sorted(Comparator.<Rollout>comparingLong(rollout ->
                                Philox.bits(setup.seed(), Philox.Purpose.AUDIT, rollout.draw(), rollout.sample(), 0))
                        .thenComparingLong(Rollout::draw)
                        .thenComparingInt(Rollout::sample))
                .limit(RESCORED)
                .forEach(rollout -> byVersion
                        .computeIfAbsent(rollout.version(), number -> new ArrayList<>())
                        .add(rollout));
        byVersion.forEach((number, chosen) -> {
            List<int[]> sequences = new ArrayList<>();
            for (Rollout rollout : chosen) {
                int prompt = rollout.promptIds().length;
                int[] sequence = Arrays.copyOf(rollout.promptIds(), prompt + rollout.length());
                System.arraycopy(rollout.responseIds(), 0, sequence, prompt, rollout.length());
                sequences.add(sequence);
            }
            PolicyVersion version = versions.get(number);
            List<double[]> scores = version == null
                    ? Collections.emptyList()
                    : setup.weights().score(version, sequences, params.reportedTemperature());
            for (int i = 0; i < scores.size(); i++) {
                Rollout rollout = chosen.get(i);
                float[] logProbs = new float[rollout.length()];
                for (int t = 0; t < logProbs.length; t++) {
                    logProbs[t] = (float) scores.get(i)[rollout.promptIds().length - 1 + t];
                }
                rescored.put(new Place(rollout.draw(), rollout.sample()), logProbs);
            }
        });
    }

    @Override
    public Optional<float[]> take(long draw, int sample) {
        return Optional.ofNullable(rescored.remove(new Place(draw, sample)));
    }

    @Override
    public void forgetBefore(long draw) {
        rescored.keySet().removeIf(place -> place.draw < draw);
    }

    @Override
    public void cancel() {
        cancelled = true;
        breakOff(ended, wasCancelled());
        pool.cancel();
    }

    @Override
    public void close() {
        cancel();
        withdraw();
        pool.close();
    }
}

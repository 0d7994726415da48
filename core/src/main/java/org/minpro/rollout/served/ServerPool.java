package org.minpro.rollout.served;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.DoubleSummaryStatistics;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.minpro.rollout.SamplingParams;
import org.minpro.tensor.Workers;

/**
 * The servers of a run: which of them are up, what weights each has been seen to compute with, and who may ask which.
 *
 * <p>A server gets requests while it is up. One that fails, hangs or answers with other weights is down: a thread of its own
 * looks for it again, pushes the newest weights, compares log-probabilities, and only then lets requests through.
 */
final class ServerPool implements AutoCloseable {
    /** Adapters that a server keeps: the newest, and the one before it. */
    private static final int KEPT = 2;

    /** The highest temperature that vLLM takes. */
    private static final double WARM = 2;

    /** Tokens that are looked at to see what log-probabilities are of. */
    private static final int DRAWS = 8;

    /** What a server's log-probabilities are of. */
    enum LogProbs {
        /** The distribution that is sampled from, at the temperature of the request. */
        PROCESSED,
        /** The model's at temperature 1, whatever the request says. */
        RAW
    }

    private enum State {
        UP,
        PUBLISHING,
        DOWN,
        UNUSABLE
    }

    /** One server. All of it is guarded by the pool's lock. */
    static final class Member {
        private final InferenceServer server;
        private State state = State.DOWN;
        private int inFlight;
        private @Nullable Published holds;
        /** Of what it holds; every push has its own, so that no token of one that failed passes for one of the next. */
        private String label = "";

        private @Nullable String verifying;
        /** Labels of weights that it was seen to compute with, and their versions. */
        private final Map<String, Long> verified = new HashMap<>();
        /** Requests under way by the label that they were sent with. */
        private final Map<String, Integer> underWay = new HashMap<>();
        /** What it was given beside the model, by name, in order; it may read their folders again. */
        private final SequencedMap<String, Path> adapters = new LinkedHashMap<>();

        private long publications;
        private int context = Integer.MAX_VALUE;
        private LogProbs logProbs = LogProbs.PROCESSED;
        /** Whether they are known to be those of the process that answers. */
        private boolean probed;
        /** Whether it has been started anew since the run began. */
        private boolean restarted;

        private @Nullable ServerException failure;
        private boolean recovering;
        /** How often in a row it was asked in vain whether it lives. */
        private int silent;
        /** Held by whoever gives it weights. */
        private final ReentrantLock administration = new ReentrantLock();

        Member(InferenceServer server) {
            this.server = server;
        }

        InferenceServer server() {
            return server;
        }
    }

    /**
     * What requests need of a server.
     *
     * @param tokens of the longest prompt and its response
     * @param temperature that log-probabilities are to be of
     */
    record Needs(int tokens, double temperature) {}

    /** Why a server does not serve requests that need this; null where it does. The lock is held. */
    private static @Nullable ServerException refusal(Member member, Needs needs) {
        String why = member.context < needs.tokens
                ? " must have room for a prompt and sampling.max-new-tokens, " + needs.tokens + " tokens, got: "
                        + member.context + "; raise its "
                        + member.server.flags().context()
                : member.logProbs == LogProbs.RAW && needs.temperature != 1
                        ? " reports log-probabilities of temperature 1, and sampling.temperature is "
                                + needs.temperature + "; start it "
                                + member.server.flags().logProbs()
                        : null;
        return why == null ? null : new ServerException(ServerException.Kind.UNUSABLE, member.server.url() + why);
    }

    /**
     * Refuses requests that a server as it was started with the run does not serve. One that was started anew since gets none of
     * them, and the others go on.
     */
    void requireServed(Needs needs) {
        for (Member member : members) {
            ServerException refusal = guarded(() -> member.restarted ? null : refusal(member, needs));
            if (refusal != null) {
                throw refusal;
            }
        }
    }

    private final List<Member> members = new ArrayList<>();
    private final RolloutSettings settings;
    private final Function<Published, String> path;
    private final double bound;
    private final Duration watch;
    private final Consumer<String> notice;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private @Nullable Published current;
    private boolean closed;

    /**
     * @param path of published weights as the servers see it
     * @param bound of the difference between their log-probabilities and the trainer's, nats
     * @param watch how often servers at work are asked whether they live
     * @param notice told of what a person should know, from any thread
     */
    ServerPool(
            List<InferenceServer> servers,
            RolloutSettings settings,
            Function<Published, String> path,
            double bound,
            Duration watch,
            Consumer<String> notice) {
        servers.forEach(server -> members.add(new Member(server)));
        this.settings = settings;
        this.path = path;
        this.bound = bound;
        this.watch = watch;
        this.notice = notice;
    }

    static Duration seconds(double seconds) {
        return Duration.ofNanos((long) (seconds * 1e9));
    }

    private <T> T guarded(java.util.function.Supplier<T> body) {
        lock.lock();
        try {
            return body.get();
        } finally {
            lock.unlock();
        }
    }

    private void change(Runnable body) {
        lock.lock();
        try {
            body.run();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Looks at every server before a run begins; one that cannot be used ends it. */
    void start() {
        for (Member member : members) {
            InferenceServer.Facts facts = member.server.handshake();
            change(() -> member.context = facts.context());
            tell("server " + member.server.url() + ": version " + facts.version() + ", " + tokens(facts.context())
                    + " tokens of context");
        }
        Thread.ofVirtual().name("minpro-watch").start(this::watch);
    }

    private static String tokens(int context) {
        return context == Integer.MAX_VALUE ? "unknown" : String.valueOf(context);
    }

    /** The smallest context of the servers. */
    int context() {
        return guarded(
                () -> members.stream().mapToInt(member -> member.context).min().orElse(Integer.MAX_VALUE));
    }

    /**
     * Where a request of an attempt goes; {@link #give} ends it.
     *
     * @param weights that the server holds
     * @param label of its tokens
     * @param publications that it has had
     */
    record Taken(Member member, Published weights, String label, long publications) {}

    /**
     * The server with the fewest requests among those that serve such ones, as soon as one is up and has room.
     *
     * @param ended whether nobody waits for it any more
     * @throws ServerException where none has been up for too long, or none can be used
     */
    Taken take(Needs needs, BooleanSupplier ended) {
        long end = System.nanoTime() + seconds(settings.outageSeconds()).toNanos();
        lock.lock();
        try {
            while (true) {
                if (closed || ended.getAsBoolean()) {
                    throw new CancellationException("generation was cancelled");
                }
                Member best = null;
                boolean alive = false;
                ServerException refused = null;
                int hopeless = 0;
                for (Member member : members) {
                    // One that is down may come back otherwise.
                    ServerException refusal = member.state == State.DOWN ? null : refusal(member, needs);
                    if (refusal != null || member.state == State.UNUSABLE) {
                        hopeless++;
                        refused = refusal != null ? refusal : failure(member);
                        continue;
                    }
                    alive |= member.state == State.UP || member.state == State.PUBLISHING && !member.recovering;
                    if (member.state == State.UP
                            && member.inFlight < settings.concurrency()
                            && (best == null || member.inFlight < best.inFlight)) {
                        best = member;
                    }
                }
                if (best != null && best.holds != null) {
                    best.inFlight++;
                    best.underWay.merge(best.label, 1, Integer::sum);
                    return new Taken(best, best.holds, best.label, best.publications);
                }
                if (refused != null && hopeless == members.size()) {
                    throw refused;
                }
                if (alive) {
                    end = System.nanoTime() + seconds(settings.outageSeconds()).toNanos();
                } else if (System.nanoTime() > end) {
                    throw new ServerException(
                            ServerException.Kind.AWAY,
                            "a server must be up within rollout.outage-seconds (" + settings.outageSeconds()
                                    + "), got none; the last failure: "
                                    + failure(members.getFirst()).getMessage());
                }
                boolean unused = changed.await(1, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            CancellationException cancelled = new CancellationException("interrupted while a server was waited for");
            cancelled.initCause(e);
            throw cancelled;
        } finally {
            lock.unlock();
        }
    }

    private static ServerException failure(Member member) {
        ServerException failure = member.failure;
        return failure == null
                ? new ServerException(ServerException.Kind.AWAY, member.server.url() + " is not up")
                : failure;
    }

    void give(Taken taken) {
        change(() -> {
            taken.member.inFlight--;
            int left = taken.member.underWay.getOrDefault(taken.label, 1) - 1;
            if (left == 0) {
                taken.member.underWay.remove(taken.label);
            } else {
                taken.member.underWay.put(taken.label, left);
            }
        });
    }

    /**
     * The version of a label, once it is known whether the server computes with those weights.
     *
     * @throws ServerException where it does not, or nobody here has published them
     */
    long versionOf(Member member, String label) {
        lock.lock();
        try {
            while (label.equals(member.verifying) && !closed) {
                changed.awaitUninterruptibly();
            }
            Long number = member.verified.get(label);
            if (number == null) {
                throw new ServerException(
                        ServerException.Kind.OTHER_WEIGHTS,
                        member.server.url() + " must sample from weights that this run has published, got: tokens of '"
                                + label + "'");
            }
            return number;
        } finally {
            lock.unlock();
        }
    }

    /**
     * The version of a response whose server tells none: that of the request, if it was made with an adapter or nothing was
     * published since.
     */
    long versionOf(Taken taken) {
        return guarded(() -> {
            if (!taken.weights.adapter() && taken.member.publications != taken.publications) {
                throw new ServerException(
                        ServerException.Kind.ABORTED,
                        taken.member.server.url() + " does not tell versions, and weights changed under a response");
            }
            return taken.weights.number();
        });
    }

    /** A server that failed gets no request until it has been found again. */
    void lost(Member member, ServerException why) {
        boolean served = guarded(() -> member.state == State.UP || member.state == State.PUBLISHING);
        change(() -> {
            member.failure = why;
            member.state = State.DOWN;
        });
        endCallsAfterTimeout(member, why);
        change(() -> {
            if (!member.recovering && !closed) {
                member.recovering = true;
                Thread.ofVirtual().name("minpro-recovery").start(() -> recover(member));
            }
        });
        if (served) {
            tell("warning: server down: " + why.getMessage());
        }
    }

    /** Whoever still waits for an answer would wait for long. */
    private static void endCallsAfterTimeout(Member member, ServerException why) {
        if (why.kind() == ServerException.Kind.TIMEOUT) {
            try {
                member.server.reset();
            } catch (RuntimeException e) {
                // This process has no file to open for another connection: those who wait have limits of their own.
                why.addSuppressed(e);
            }
        }
    }

    /** Tells a person. A listener that fails, say because the disk is full, costs its line and no server. */
    private void tell(String line) {
        try {
            notice.accept(line);
        } catch (RuntimeException e) {
            // The threads of the pool have nobody to throw it to; what the run itself writes fails there.
        }
    }

    /** What went wrong with a server, whatever was thrown: a thread of the pool that ended would leave the server for good. */
    private static ServerException failed(Member member, RuntimeException e) {
        return e instanceof ServerException failure
                ? failure
                : new ServerException(
                        ServerException.Kind.MALFORMED,
                        member.server.url() + " must answer as its protocol says, got: " + e,
                        e);
    }

    private void recover(Member member) {
        int tries = 0;
        while (true) {
            Published wanted = guarded(() -> closed ? null : current);
            if (wanted == null) {
                change(() -> member.recovering = false);
                return;
            }
            member.administration.lock();
            try {
                boolean known = isKnown(member);
                meet(member, known);
                String label = guarded(() -> wanted.equals(member.holds) ? member.label : "");
                if (!known
                        || label.isEmpty()
                        || !agreement(member, wanted, label).within(bound)) {
                    push(member, wanted, InferenceServer.InFlight.ABORT);
                }
                boolean done = guarded(() -> {
                    if (!wanted.equals(current)) {
                        return false;
                    }
                    member.recovering = false;
                    member.state = State.UP;
                    changed.signalAll();
                    return true;
                });
                if (done) {
                    tell("server " + member.server.url() + " is back, with version " + wanted.number());
                    return;
                }
            } catch (CancellationException e) {
                return;
            } catch (RuntimeException e) {
                ServerException failure = failed(member, e);
                boolean hopeless = failure.kind() == ServerException.Kind.UNUSABLE;
                change(() -> {
                    member.failure = failure;
                    member.state = hopeless ? State.UNUSABLE : State.DOWN;
                    member.recovering = !hopeless;
                });
                if (hopeless) {
                    tell("warning: server left out: " + failure.getMessage());
                    return;
                }
                endCallsAfterTimeout(member, failure);
            } finally {
                member.administration.unlock();
            }
            pause(Math.min(5_000, 100L << Math.min(6, tries++)));
        }
    }

    /** Whether a server is still the process that was given weights last. */
    private boolean isKnown(Member member) {
        Published holds = guarded(() -> member.holds);
        return holds != null && member.server.holds(guarded(() -> member.label), holds.adapter());
    }

    /**
     * Looks at a server again. One that was started anew since may have been given other flags: what its log-probabilities are of
     * is found out with the next weights.
     *
     * @param known whether it is still the process that was given weights last
     */
    private void meet(Member member, boolean known) {
        InferenceServer.Facts facts = member.server.handshake();
        int before = guarded(() -> member.context);
        change(() -> {
            member.context = facts.context();
            member.probed &= known;
            member.restarted |= !known;
        });
        if (facts.context() < before) {
            tell("warning: server " + member.server.url() + " was started anew with " + facts.context()
                    + " tokens of context, before: " + tokens(before) + "; it gets no request that needs more");
        }
    }

    private void pause(long millis) {
        lock.lock();
        try {
            long end = System.nanoTime() + millis * 1_000_000;
            while (!closed && System.nanoTime() < end) {
                boolean unused = changed.await(Math.max(1, end - System.nanoTime()), TimeUnit.NANOSECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    /** Asked twice: a long step of its engine may take the time of one answer. */
    private static void requireAlive(Member member) {
        try {
            member.server.requireAlive();
        } catch (ServerException e) {
            if (e.kind() != ServerException.Kind.TIMEOUT) {
                throw e;
            }
            member.server.requireAlive();
        }
    }

    /** Asks servers at work whether they live: one that hangs keeps its connections open and says that it is healthy. */
    private void watch() {
        while (!guarded(() -> closed)) {
            pause(watch.toMillis());
            for (Member member : members) {
                if (guarded(() -> !closed && member.state == State.UP && member.inFlight > 0)) {
                    try {
                        member.server.requireAlive();
                        member.silent = 0;
                    } catch (CancellationException e) {
                        return;
                    } catch (RuntimeException e) {
                        // A long step of its engine may take the time of one answer.
                        if (++member.silent >= 2) {
                            member.silent = 0;
                            String why = String.valueOf(failed(member, e).getMessage());
                            lost(member, new ServerException(ServerException.Kind.TIMEOUT, why, e));
                        }
                    }
                }
            }
        }
    }

    /**
     * Pushes weights to every server that is up; one that does not take them is down from then on.
     *
     * @throws ServerException where no server has ever held any and none takes these: the run has not begun
     */
    void publish(Published next, InferenceServer.InFlight inFlight) {
        boolean first = guarded(() -> {
            boolean none = current == null;
            current = next;
            return none;
        });
        List<Thread> threads = new ArrayList<>();
        for (Member member : members) {
            if (!first && guarded(() -> member.state != State.UP)) {
                continue;
            }
            threads.add(Thread.ofVirtual().start(() -> {
                member.administration.lock();
                try {
                    // What happened to it while nobody asked it anything: it hangs, or was started anew with other
                    // flags.
                    if (!first) {
                        requireAlive(member);
                    }
                    if (!first && !isKnown(member)) {
                        meet(member, false);
                    }
                    push(member, next, inFlight);
                    change(() -> member.state = State.UP);
                } catch (CancellationException e) {
                    // The run ends.
                } catch (RuntimeException e) {
                    ServerException failure = failed(member, e);
                    if (first) {
                        change(() -> member.failure = failure);
                    } else {
                        lost(member, failure);
                    }
                } finally {
                    member.administration.unlock();
                }
            }));
        }
        for (Thread thread : threads) {
            Workers.awaitEnd(thread);
        }
        if (first) {
            for (Member member : members) {
                if (guarded(() -> member.state != State.UP)) {
                    throw failure(member);
                }
            }
        }
    }

    /**
     * Gives a server new weights and lets it go on once it computes with them; one that does not load them, or computes
     * otherwise, gets those that it had, before it samples again.
     */
    private void push(Member member, Published next, InferenceServer.InFlight inFlight) {
        Published before = guarded(() -> member.holds);
        String labelBefore = guarded(() -> member.label);
        String label = guarded(() -> next.label() + "-" + member.publications);
        change(() -> {
            member.state = State.PUBLISHING;
            member.publications++;
        });
        InferenceServer server = member.server;
        if (next.adapter()) {
            pushAdapter(member, next, label);
            return;
        }
        try {
            server.pause(inFlight);
            try {
                server.reload(path.apply(next), label);
            } catch (ServerException e) {
                // What was loaded in part would end the server with the next token.
                restore(member, before, labelBefore, e);
                throw e;
            }
            // Refused while responses stand still; the requests' salt keeps old prompts apart there.
            server.resetCache();
            change(() -> member.verifying = label);
            server.resume();
            Agreement agreement = agreement(member, next, label);
            if (!agreement.within(bound)) {
                ServerException disagrees = disagrees(server, agreement);
                server.pause(InferenceServer.InFlight.ABORT);
                restore(member, before, labelBefore, disagrees);
                throw disagrees;
            }
            taken(member, next, label, agreement);
        } finally {
            change(() -> member.verifying = null);
        }
    }

    /**
     * Gives a server an adapter with a name of its own. Requests under way end with the one that they were sent with, so nothing is
     * paused, no cached prompt serves two, and where it is not taken the others are as they were.
     */
    private void pushAdapter(Member member, Published next, String name) {
        InferenceServer server = member.server;
        server.addAdapter(path.apply(next), name);
        change(() -> member.adapters.put(name, next.folder()));
        Agreement agreement = agreement(member, next, name);
        if (!agreement.within(bound)) {
            change(() -> member.adapters.remove(name));
            removeAdapter(server, name);
            throw disagrees(server, agreement);
        }
        taken(member, next, name, agreement);
        retired(member).forEach(old -> removeAdapter(server, old));
    }

    private static void removeAdapter(InferenceServer server, String name) {
        try {
            server.removeAdapter(name);
        } catch (ServerException e) {
            // It was started anew since and has forgotten it already, or it is away and will have.
        }
    }

    /** Names of adapters that a server need not keep: all but two, and those that requests under way were sent with. */
    private List<String> retired(Member member) {
        return guarded(() -> {
            List<String> names = new ArrayList<>(member.adapters.keySet());
            names = names.subList(0, Math.max(0, names.size() - KEPT));
            List<String> retired = names.stream()
                    .filter(name -> !member.underWay.containsKey(name))
                    .toList();
            retired.forEach(member.adapters::remove);
            return retired;
        });
    }

    /** Whether a server may read a folder again: it has forgotten an adapter that others pushed out, and is asked for it. */
    boolean isLoaded(Path folder) {
        return guarded(() -> members.stream().anyMatch(member -> member.adapters.containsValue(folder)));
    }

    private ServerException disagrees(InferenceServer server, Agreement agreement) {
        return new ServerException(
                ServerException.Kind.DISAGREES,
                server.url() + " must compute as the trainer does at the same weights, within rollout.mismatch-bound"
                        + " (" + bound + " nats, a fifth of it in the mean), got: " + agreement
                        + "; is it started from a folder of 'minpro served-folder', with the trainer's --dtype?");
    }

    /** A server computes with new weights. */
    private void taken(Member member, Published next, String label, Agreement agreement) {
        if (!guarded(() -> member.probed)) {
            LogProbs before = guarded(() -> member.logProbs);
            LogProbs mode = mode(member, next, label);
            change(() -> {
                member.logProbs = mode;
                member.probed = true;
            });
            if (guarded(() -> member.holds == null || member.recovering) || mode != before) {
                tell("server " + member.server.url() + ": " + agreement + " nats from the trainer's, and are "
                        + mode.name().toLowerCase(java.util.Locale.ROOT));
            }
            if (guarded(() -> member.holds != null) && mode == LogProbs.RAW && before != LogProbs.RAW) {
                tell("warning: server " + member.server.url() + " was started anew and reports log-probabilities of"
                        + " temperature 1 now; it gets no request with another sampling.temperature; start it "
                        + member.server.flags().logProbs());
            }
        }
        change(() -> {
            member.holds = next;
            member.label = label;
            member.verified.put(label, next.number());
        });
    }

    private void restore(Member member, @Nullable Published before, String label, ServerException why) {
        if (before == null) {
            return;
        }
        try {
            member.server.reload(path.apply(before), label);
            member.server.resetCache();
            member.server.resume();
        } catch (ServerException e) {
            // It stays paused, so that it samples nothing from weights that nobody knows.
            why.addSuppressed(e);
        }
    }

    private static Agreement agreement(Member member, Published weights, String label) {
        return Agreement.of(member.server.score(weights.probe(), weights.adapter() ? label : null), weights.logProbs());
    }

    /**
     * Draws a few tokens at temperature 2 and has the same ones scored at temperature 1: log-probabilities of temperature 2 lie
     * half as far apart. It is asked as responses are, without truncation: SGLang gives the model's own for top-k 1, whatever it
     * gives otherwise.
     */
    private static LogProbs mode(Member member, Published weights, String label) {
        String adapter = weights.adapter() ? label : null;
        // With the token that is drawn it is as long as the probe, for which there is room.
        int[] prompt = Arrays.copyOf(weights.probe(), weights.probe().length - 1);
        DoubleSummaryStatistics reported = new DoubleSummaryStatistics();
        DoubleSummaryStatistics own = new DoubleSummaryStatistics();
        double distance = 0;
        for (int seed = 0; seed < DRAWS; seed++) {
            InferenceServer.Answer answer = member.server.generate(new InferenceServer.Prompt(
                    "mode-" + seed,
                    adapter,
                    prompt,
                    new SamplingParams(WARM, 0, 1, 0, 1, List.of(), List.of(), false),
                    seed,
                    label));
            if (answer.ids().length != 1 || answer.logProbs().length != 1 || !Double.isFinite(answer.logProbs()[0])) {
                throw new ServerException(
                        ServerException.Kind.MALFORMED,
                        member.server.url() + " must answer one token with its log-probability, got: "
                                + Arrays.toString(answer.logProbs()));
            }
            int[] ids = Arrays.copyOf(prompt, prompt.length + 1);
            ids[prompt.length] = answer.ids()[0];
            double scored = member.server.score(ids, adapter)[prompt.length - 1];
            reported.accept(answer.logProbs()[0]);
            own.accept(scored);
            distance += Math.abs(answer.logProbs()[0] - scored) / DRAWS;
        }
        double apart = own.getMax() - own.getMin();
        // Where all draws are about as probable, the two differ by what sums to 1 at each temperature.
        boolean scaled = apart >= 1 ? reported.getMax() - reported.getMin() < 0.75 * apart : distance > 0.1;
        return scaled ? LogProbs.PROCESSED : LogProbs.RAW;
    }

    /** Ends the requests under way, so that the servers are free. */
    void breakOff() {
        members.forEach(member -> member.server.reset());
        change(() -> {});
    }

    /** Ends the waiting of all, for good. */
    void cancel() {
        change(() -> closed = true);
        breakOff();
    }

    @Override
    public void close() {
        change(() -> closed = true);
        members.forEach(member -> member.server.close());
    }
}

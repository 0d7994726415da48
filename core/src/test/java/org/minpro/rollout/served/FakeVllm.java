package org.minpro.rollout.served;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.minpro.model.AdapterFolder;
import org.minpro.model.HuggingFaceReader;
import org.minpro.model.KeyValueCache;
import org.minpro.model.LanguageHead;
import org.minpro.model.ParameterSelection;
import org.minpro.model.Parameters;
import org.minpro.model.TokenBlock;
import org.minpro.model.Transformer;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A vLLM server as 0.32 behaves on a CPU, with a real model behind it, and a switch for what goes wrong with one.
 *
 * <p>Always: a POST that offers an upgrade to HTTP/2 loses its body; seeds count modulo 2^32; nothing is scheduled while
 * paused; max_tokens is cut to the context in silence; cached prompts keep the logits of old weights until the cache is
 * reset or the salt is another; a failed reload kills the engine with the next token; "default" labels what it was started
 * with; unknown members are ignored; an adapter's name is taken once, two adapters are kept in memory, and one that was pushed
 * out or unloaded is read from its folder again by who still samples with it, which kills the engine where the folder is gone.
 */
public final class FakeVllm implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String HEAD = "lm_head.weight";

    /** What goes wrong, as often as {@link #set} says. */
    public enum Trap {
        /** Started without --enable-scale-out. */
        NO_SCALE_OUT,
        /** Started without VLLM_SERVER_DEV_MODE. */
        NO_DEV_MODE,
        /** --logprobs-mode raw_logprobs. */
        RAW,
        /** A version without labels and spans. */
        NO_SPANS,
        /** A response ends with finish "abort" in its middle. */
        ABORT,
        /** A log-probability that is no number. */
        NAN,
        /** A log-probability of another id. */
        OTHER_ID,
        /** A log-probability of a word in place of an id. */
        WORD_TOKEN,
        /** One id fewer than log-probabilities. */
        SHORT,
        /** Finish "length" before the limit. */
        CLAMP,
        /** The connection breaks in the body. */
        CUT_BODY,
        /** Status 500. */
        FAIL,
        /** Status 500, and then the process is gone: connections are refused until it is started. */
        CRASH,
        /** A request hangs, and so does the worker. */
        HANG,
        /** reload_weights fails and leaves weights that kill the engine. */
        POISONED_RELOAD,
        /** reload_weights says 200 and loads nothing. */
        STALE_RELOAD,
        /** reload_weights says 200 and leaves the head as it was: started from a tied folder. */
        TIED_HEAD,
        /** reset_prefix_cache says success: false. */
        CACHE_KEPT,
        /** Cached prompts are shared, whatever their salt. */
        SALT_IGNORED,
        /** Started without --enable-lora. */
        NO_ADAPTERS,
        /** load_lora_adapter says 200 and the adapter adds nothing. */
        IDLE_ADAPTER
    }

    /** Adapters in memory, --max-cpu-loras. */
    private static final int MOST_ADAPTERS = 2;

    /** An adapter that was loaded once; guarded by the engine. */
    private final class Adapter {
        private final Path folder;
        private final boolean idle;
        private @Nullable Transformer model;

        Adapter(Path folder, boolean idle) {
            this.folder = folder;
            this.idle = idle;
        }

        /** Reads it, unless it is in memory; false where it is not there. */
        boolean load() {
            if (model != null) {
                return true;
            }
            if (!Files.exists(folder.resolve("adapter_model.safetensors"))) {
                return false;
            }
            HuggingFaceReader reader = HuggingFaceReader.open(initial);
            AdapterFolder stored = AdapterFolder.open(folder);
            Parameters parameters = Parameters.zeros(
                    reader.config(),
                    ParameterSelection.of(reader.config(), stored.adapter(reader.config())),
                    Device.CPU,
                    DType.F32,
                    DType.F32);
            try (Scope scope = Scope.open()) {
                assert scope != null;
                reader.load(parameters.named());
            }
            if (!idle) {
                stored.load(parameters);
            }
            model = new Transformer(reader.config(), parameters);
            inMemory.addLast(this);
            while (inMemory.size() > MOST_ADAPTERS) {
                inMemory.removeFirst().forget();
            }
            return true;
        }

        void forget() {
            Transformer before = model;
            model = null;
            inMemory.remove(this);
            if (before != null) {
                before.parameters().close();
                before.close();
            }
        }
    }

    private final Path initial;
    private volatile int context;
    private final Map<Trap, AtomicInteger> traps = new EnumMap<>(Trap.class);
    private final Object engine = new Object();
    private final Set<Long> seeds = ConcurrentHashMap.newKeySet();
    private final Map<List<Integer>, float[]> prefixCache = new ConcurrentHashMap<>();
    private final Set<HttpExchange> running = new HashSet<>();
    private final int port;
    private HttpServer server;
    private ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private @Nullable Transformer model;
    private final Map<String, Adapter> adapters = new HashMap<>();
    private final Deque<Adapter> inMemory = new ArrayDeque<>();
    private String label = "default";
    private boolean paused;
    private boolean aborting;
    private boolean poisoned;
    private boolean dead;
    private final AtomicInteger requests = new AtomicInteger();
    private final AtomicInteger tokens = new AtomicInteger();

    /** Microseconds that a token takes, beside the model. */
    public volatile long delayMicros;

    public FakeVllm(Path folder, int context) {
        this.initial = folder;
        this.context = context;
        for (Trap trap : Trap.values()) {
            traps.put(trap, new AtomicInteger());
        }
        load(folder);
        server = listen(0);
        port = server.getAddress().getPort();
    }

    public String url() {
        return "http://127.0.0.1:" + port;
    }

    /** The trap snaps so many times. */
    public void set(Trap trap, int times) {
        counter(trap).set(times);
    }

    private AtomicInteger counter(Trap trap) {
        return Objects.requireNonNull(traps.get(trap));
    }

    int left(Trap trap) {
        return counter(trap).get();
    }

    private boolean on(Trap trap) {
        return counter(trap).get() > 0;
    }

    private boolean once(Trap trap) {
        return counter(trap).getAndUpdate(left -> Math.max(0, left - 1)) > 0;
    }

    Set<Long> seeds() {
        return seeds;
    }

    /** Requests for responses so far, those of probes aside. */
    public int requests() {
        return requests.get();
    }

    /** Tokens sampled so far. */
    public int tokens() {
        return tokens.get();
    }

    /** Waits until so many tokens have been sampled. */
    void awaitTokens(int count) {
        while (tokens.get() < count) {
            LockSupport.parkNanos(200_000);
        }
    }

    public boolean isPaused() {
        synchronized (engine) {
            return paused;
        }
    }

    boolean isDead() {
        synchronized (engine) {
            return dead;
        }
    }

    private HttpServer listen(int at) {
        try {
            HttpServer http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), at), 256);
            threads = Executors.newVirtualThreadPerTaskExecutor();
            http.setExecutor(threads);
            http.createContext("/", this::handle);
            http.start();
            return http;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The process ends: connections break. */
    public void kill() {
        server.stop(0);
        threads.shutdownNow();
        synchronized (engine) {
            dead = true;
            engine.notifyAll();
        }
    }

    /** As {@link #start()}, with another --max-model-len. */
    void start(int tokens) {
        context = tokens;
        start();
    }

    /** A new process with the weights of its start line. */
    public void start() {
        synchronized (engine) {
            dead = false;
            poisoned = false;
            paused = false;
            aborting = false;
            label = "default";
            prefixCache.clear();
            forgetAdapters();
            load(initial);
        }
        server = listen(port);
    }

    private void load(Path folder) {
        Transformer before = model;
        HuggingFaceReader reader = HuggingFaceReader.open(folder);
        Parameters parameters = Parameters.zeros(reader.config(), Device.CPU, DType.F32);
        try (Scope scope = Scope.open()) {
            reader.load(parameters.named());
            if (reader.config().tieWordEmbeddings()) {
                throw new IllegalStateException("the head would stay the old one: " + folder);
            }
            if (before != null && once(Trap.TIED_HEAD)) {
                Objects.requireNonNull(parameters.named().get(HEAD))
                        .copyInPlace(Objects.requireNonNull(
                                before.parameters().named().get(HEAD)));
            }
            assert scope != null;
        }
        model = new Transformer(reader.config(), parameters);
        if (before != null) {
            before.parameters().close();
            before.close();
        }
    }

    private void forgetAdapters() {
        List.copyOf(inMemory).forEach(Adapter::forget);
        adapters.clear();
    }

    /** Names of the adapters that it has. */
    public Set<String> adapters() {
        synchronized (engine) {
            return Set.copyOf(adapters.keySet());
        }
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            answer(exchange);
        } catch (RuntimeException e) {
            error(exchange, 500, "this fake server failed: " + e);
        }
    }

    private void answer(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        if (exchange.getRequestHeaders().containsKey("Upgrade") && body.length > 0) {
            error(exchange, 400, "1 validation error: {'type': 'missing', 'loc': 'body', 'msg': 'Field required'}");
            return;
        }
        String path = exchange.getRequestURI().getPath();
        if (isDead()) {
            error(exchange, 503, "EngineCore encountered an issue");
            return;
        }
        JsonNode json = body.length == 0 ? JSON.createObjectNode() : JSON.readTree(body);
        String query = String.valueOf(exchange.getRequestURI().getQuery());
        boolean developer = Set.of(
                        "/pause",
                        "/resume",
                        "/is_paused",
                        "/collective_rpc",
                        "/reset_prefix_cache",
                        "/weight_info",
                        "/update_weight_version")
                .contains(path);
        if (developer && on(Trap.NO_DEV_MODE)
                || on(Trap.NO_SPANS) && (path.equals("/weight_info") || path.equals("/update_weight_version"))) {
            error(exchange, 404, "Not Found");
            return;
        }
        switch (path) {
            case "/health" -> send(exchange, 200, "");
            case "/version" -> send(exchange, 200, "{\"version\":\"0.32.0\"}");
            case "/v1/models" ->
                send(
                        exchange,
                        200,
                        "{\"object\":\"list\",\"data\":[{\"id\":\"policy\",\"max_model_len\":" + context + "}"
                                + adapters().stream()
                                        .map(name -> ",{\"id\":\"" + name + "\",\"parent\":\"policy\"}")
                                        .collect(Collectors.joining())
                                + "]}");
            case "/is_paused" -> send(exchange, 200, "{\"is_paused\":" + isPaused() + "}");
            case "/weight_info" -> send(exchange, 200, "{\"weight_version\":\"" + label + "\"}");
            case "/pause" -> {
                synchronized (engine) {
                    paused = true;
                    aborting = !query.contains("keep");
                    engine.notifyAll();
                    awaitEngine(() -> !aborting || running.isEmpty() || dead);
                    aborting = false;
                }
                send(exchange, 200, "{\"status\":\"paused\"}");
            }
            case "/resume" -> {
                synchronized (engine) {
                    paused = false;
                    engine.notifyAll();
                }
                send(exchange, 200, "{\"status\":\"resumed\"}");
            }
            case "/update_weight_version" -> {
                synchronized (engine) {
                    label = json.path("new_version").stringValue();
                }
                send(exchange, 200, "{\"success\":true,\"new_version\":\"" + label + "\"}");
            }
            case "/reset_prefix_cache" -> {
                boolean success;
                synchronized (engine) {
                    success = running.isEmpty() && !once(Trap.CACHE_KEPT);
                    if (success) {
                        prefixCache.clear();
                    }
                }
                send(exchange, 200, "{\"success\":" + success + "}");
            }
            case "/collective_rpc" -> rpc(exchange, json);
            case "/v1/load_lora_adapter" -> loadAdapter(exchange, json);
            case "/v1/unload_lora_adapter" -> {
                Adapter unloaded;
                synchronized (engine) {
                    unloaded = adapters.remove(json.path("lora_name").stringValue());
                    if (unloaded != null) {
                        unloaded.forget();
                    }
                }
                if (unloaded == null) {
                    error(exchange, 404, "The lora adapter cannot be found.");
                } else {
                    send(exchange, 200, "Success: LoRA adapter removed successfully.");
                }
            }
            case "/inference/v1/generate" -> generate(exchange, json);
            default -> error(exchange, 404, "Not Found");
        }
    }

    private void awaitEngine(BooleanSupplier met) {
        synchronized (engine) {
            while (!met.getAsBoolean()) {
                try {
                    engine.wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IllegalStateException(e);
                }
            }
        }
    }

    private void rpc(HttpExchange exchange, JsonNode json) throws IOException {
        while (on(Trap.HANG)) {
            LockSupport.parkNanos(5_000_000);
        }
        switch (json.path("method").stringValue("")) {
            case "check_health" -> send(exchange, 200, "{\"results\":[null]}");
            case "reload_weights" -> {
                Path folder = Path.of(json.path("kwargs").path("weights_path").stringValue());
                synchronized (engine) {
                    if (once(Trap.STALE_RELOAD)) {
                        send(exchange, 200, "{\"results\":[null]}");
                        return;
                    }
                    if (once(Trap.POISONED_RELOAD) || !Files.exists(folder.resolve("model.safetensors"))) {
                        poisoned = true;
                        error(exchange, 500, "Call to collective_rpc method failed: Worker failed with error '...'");
                        return;
                    }
                    load(folder);
                    poisoned = false;
                }
                send(exchange, 200, "{\"results\":[null]}");
            }
            default -> error(exchange, 500, "Worker failed");
        }
    }

    private void loadAdapter(HttpExchange exchange, JsonNode json) throws IOException {
        if (on(Trap.NO_ADAPTERS)) {
            send(exchange, 404, "{\"detail\":\"Not Found\"}");
            return;
        }
        String name = json.path("lora_name").stringValue();
        synchronized (engine) {
            if (adapters.containsKey(name)) {
                error(exchange, 400, "The lora adapter '" + name + "' has already been loaded.");
                return;
            }
            Adapter adapter = new Adapter(Path.of(json.path("lora_path").stringValue()), once(Trap.IDLE_ADAPTER));
            if (!adapter.load()) {
                error(exchange, 404, "Loading lora " + name + " failed: No adapter found");
                return;
            }
            adapters.put(name, adapter);
        }
        send(exchange, 200, "Success: LoRA adapter '" + name + "' added successfully.");
    }

    private void generate(HttpExchange exchange, JsonNode json) throws IOException {
        if (on(Trap.NO_SCALE_OUT)) {
            error(
                    exchange,
                    403,
                    "Scale-out endpoints are disabled. Restart vllm serve with --enable-scale-out to enable them.");
            return;
        }
        JsonNode sampling = json.path("sampling_params");
        int[] prompt = new int[json.path("token_ids").size()];
        for (int i = 0; i < prompt.length; i++) {
            prompt[i] = json.path("token_ids").get(i).intValue();
        }
        if (prompt.length >= context) {
            error(exchange, 400, "the prompt is longer than max_model_len");
            return;
        }
        if (sampling.path("temperature").asDouble(1) > 2) {
            error(exchange, 400, "temperature must be in [0, 2]");
            return;
        }
        String name = json.path("model").asString("policy");
        Adapter adapter;
        synchronized (engine) {
            adapter = adapters.get(name);
        }
        if (adapter == null && !name.equals("policy")) {
            error(exchange, 404, "The model `" + name + "` does not exist.");
            return;
        }
        boolean probe = sampling.path("max_tokens").asInt(16) == 1;
        if (!probe) {
            requests.incrementAndGet();
            seeds.add(sampling.path("seed").asLong(-1));
            if (on(Trap.HANG)) {
                while (on(Trap.HANG)) {
                    LockSupport.parkNanos(5_000_000);
                }
                return;
            }
            if (once(Trap.FAIL)) {
                error(exchange, 500, "EngineCore encountered an issue");
                return;
            }
            if (once(Trap.CRASH)) {
                error(exchange, 500, "EngineCore encountered an issue");
                Thread unused = Thread.ofVirtual().start(this::kill);
                return;
            }
        }
        synchronized (engine) {
            // New requests wait for as long as the server is paused.
            awaitEngine(() -> !paused || dead);
            running.add(exchange);
        }
        Response response;
        try {
            response = new Response(json, sampling, prompt, adapter);
            response.run(probe);
        } finally {
            synchronized (engine) {
                running.remove(exchange);
                engine.notifyAll();
            }
        }
        if (response.died) {
            error(exchange, 500, "EngineCore encountered an issue");
            return;
        }
        String text = response.json(json, prompt, probe).toString();
        if (!probe && once(Trap.CUT_BODY)) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, bytes.length);
            exchange.getResponseBody().write(bytes, 0, bytes.length / 2);
            exchange.getResponseBody().flush();
            throw new IOException("the connection breaks");
        }
        send(exchange, 200, text);
    }

    /** One response under way. */
    private final class Response {
        private final JsonNode sampling;
        private final @Nullable Adapter adapter;
        private final int limit;
        private final Set<Integer> stops = new HashSet<>();
        private final List<Integer> cacheKey = new ArrayList<>();
        private final int[] sequence;
        private final int promptLength;
        private int length;
        private final List<Double> logProbs = new ArrayList<>();
        private final List<String> labels = new ArrayList<>();
        private String finish = "length";
        private boolean died;

        Response(JsonNode json, JsonNode sampling, int[] prompt, @Nullable Adapter adapter) {
            this.sampling = sampling;
            this.adapter = adapter;
            this.limit = Math.min(sampling.path("max_tokens").asInt(16), context - prompt.length);
            this.promptLength = prompt.length;
            this.sequence = Arrays.copyOf(prompt, prompt.length + limit);
            this.length = prompt.length;
            sampling.path("stop_token_ids").forEach(id -> stops.add(id.intValue()));
            cacheKey.add(
                    on(Trap.SALT_IGNORED)
                            ? 0
                            : json.path("cache_salt").asString("").hashCode());
            cacheKey.add(json.path("model").asString("").hashCode());
            Arrays.stream(prompt).forEach(cacheKey::add);
        }

        void run(boolean probe) {
            int abortAt = !probe && once(Trap.ABORT) ? Math.max(1, limit / 2) : Integer.MAX_VALUE;
            while (length - promptLength < limit) {
                LockSupport.parkNanos(delayMicros * 1000);
                synchronized (engine) {
                    awaitEngine(() -> !paused || aborting || dead);
                    if (poisoned || adapter != null && !dead && !adapter.load()) {
                        dead = true;
                        engine.notifyAll();
                    }
                    if (dead) {
                        died = true;
                        return;
                    }
                    if (aborting || length - promptLength >= abortAt) {
                        finish = "abort";
                        return;
                    }
                    step();
                }
                if (stops.contains(sequence[length - 1])) {
                    finish = "stop";
                    return;
                }
            }
        }

        private void step() {
            float[] logits = length == promptLength
                    ? prefixCache.computeIfAbsent(cacheKey, key -> logits(adapter, Arrays.copyOf(sequence, length)))
                    : logits(adapter, Arrays.copyOf(sequence, length));
            double temperature = sampling.path("temperature").asDouble(1);
            boolean greedy = temperature == 0 || sampling.path("top_k").asInt(0) == 1;
            double[] scaled = logSoftmax(logits, temperature == 0 ? 1 : temperature);
            int id = 0;
            if (greedy) {
                for (int i = 1; i < scaled.length; i++) {
                    id = scaled[i] > scaled[id] ? i : id;
                }
            } else {
                long seed = sampling.path("seed").asLong(0) & 0xFFFF_FFFFL;
                double left = Philox.uniform(seed, Philox.Purpose.SAMPLING, 0, 0, length - promptLength);
                while (id < scaled.length - 1 && left >= Math.exp(scaled[id])) {
                    left -= Math.exp(scaled[id++]);
                }
            }
            sequence[length++] = id;
            boolean processed = !on(Trap.RAW);
            logProbs.add(
                    processed && sampling.path("top_k").asInt(0) == 1 && temperature > 0
                            ? Double.valueOf(0)
                            : Double.valueOf(processed ? scaled[id] : logSoftmax(logits, 1)[id]));
            labels.add(label);
            tokens.incrementAndGet();
        }

        ObjectNode json(JsonNode request, int[] prompt, boolean probe) {
            int time = length - promptLength;
            if (!probe && time > 2 && once(Trap.CLAMP)) {
                time = 1;
                finish = "length";
            }
            ObjectNode answer = JSON.createObjectNode();
            answer.put(
                    "request_id",
                    "generate-tokens-" + request.path("request_id").asString(""));
            answer.put("model", request.path("model").asString(""));
            answer.put("created", System.currentTimeMillis() / 1000);
            answer.putObject("usage")
                    .put("prompt_tokens", prompt.length)
                    .put("total_tokens", prompt.length + time)
                    .put("completion_tokens", time);
            answer.put("output_mode", "tokens");
            ObjectNode choice = answer.putArray("choices").addObject();
            choice.put("index", 0);
            choice.put("finish_reason", finish);
            if (finish.equals("stop")) {
                choice.put("stop_reason", sequence[promptLength + time - 1]);
            } else {
                choice.putNull("stop_reason");
            }
            ArrayNode ids = choice.putArray("token_ids");
            ArrayNode content = choice.putObject("logprobs").putArray("content");
            boolean notANumber = !probe && once(Trap.NAN);
            boolean other = !probe && once(Trap.OTHER_ID);
            boolean word = !probe && once(Trap.WORD_TOKEN);
            for (int t = 0; t < time; t++) {
                int id = sequence[promptLength + t];
                ids.add(id);
                ObjectNode one = content.addObject();
                if (word && t == 0) {
                    one.put("token", " the");
                } else {
                    one.put("token_id", other && t == 0 ? id + 1 : id);
                }
                one.put("logprob", notANumber && t == 0 ? -9999.0 : logProbs.get(t));
                one.put("rank", 1);
                ObjectNode top = one.deepCopy();
                one.putArray("top_logprobs").add(top);
            }
            if (!probe && time > 1 && once(Trap.SHORT)) {
                ids.remove(time - 1);
            }
            if (!on(Trap.NO_SPANS)) {
                ArrayNode spans = choice.putArray("weight_versions");
                int start = 0;
                for (int t = 1; t <= time; t++) {
                    if (t == time || !labels.get(t).equals(labels.get(start))) {
                        ObjectNode span = spans.addObject();
                        span.put("version", labels.get(start));
                        span.put("start", start);
                        span.put("end", t);
                        start = t;
                    }
                }
            }
            if (sampling.has("prompt_logprobs")) {
                ArrayNode scored = answer.putArray("prompt_logprobs");
                scored.addNull();
                double[] logProbs = scores(adapter, prompt);
                for (int t = 1; t < prompt.length; t++) {
                    scored.addObject()
                            .putObject(String.valueOf(prompt[t]))
                            .put("logprob", logProbs[t - 1])
                            .put("rank", 1)
                            .putNull("decoded_token");
                }
            }
            return answer;
        }
    }

    /** Of the ids from the second on. */
    private double[] scores(@Nullable Adapter adapter, int[] ids) {
        synchronized (engine) {
            Transformer present = present(adapter);
            TokenBlock block = TokenBlock.of(new int[] {ids[0]}, Arrays.copyOfRange(ids, 1, ids.length));
            try (Scope scope = Scope.open();
                    NoGradient off = NoGradient.open()) {
                assert off != null && scope != null;
                return new LanguageHead(present, 1)
                        .logProbs(present.hidden(block), Tensor.of(present.device(), block.targets()), false)
                        .logProbs()
                        .doubles();
            }
        }
    }

    /** The model, or the one with an adapter. */
    private Transformer present(@Nullable Adapter adapter) {
        if (adapter != null && !adapter.load()) {
            throw new IllegalStateException("no adapter in " + adapter.folder);
        }
        return Objects.requireNonNull(adapter == null ? model : adapter.model);
    }

    private float[] logits(@Nullable Adapter adapter, int[] ids) {
        Transformer present = present(adapter);
        try (NoGradient off = NoGradient.open();
                KeyValueCache.Prefix prefix = present.prefill(ids);
                Scope scope = Scope.open()) {
            assert off != null && scope != null;
            return present.logits(prefix.lastHidden()).floats();
        }
    }

    private static double[] logSoftmax(float[] logits, double temperature) {
        double[] scaled = new double[logits.length];
        double most = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] = logits[i] / temperature;
            most = Math.max(most, scaled[i]);
        }
        double sum = 0;
        for (double one : scaled) {
            sum += Math.exp(one - most);
        }
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] -= most + Math.log(sum);
        }
        return scaled;
    }

    private static void error(HttpExchange exchange, int status, String message) throws IOException {
        ObjectNode answer = JSON.createObjectNode();
        ObjectNode error = answer.putObject("error");
        error.put("message", message);
        error.put(
                "type",
                status == 403 ? "PermissionDeniedError" : status < 500 ? "BadRequestError" : "InternalServerError");
        error.putNull("param");
        error.put("code", status);
        send(exchange, status, answer.toString());
    }

    private static void send(HttpExchange exchange, int status, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(bytes);
        }
    }

    @Override
    public void close() {
        for (Trap trap : Trap.values()) {
            set(trap, 0);
        }
        kill();
        synchronized (engine) {
            forgetAdapters();
            Transformer last = model;
            if (last != null) {
                last.parameters().close();
                last.close();
                model = null;
            }
        }
    }
}

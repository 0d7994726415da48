package org.minpro.app;

import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.minpro.model.Kernels;
import org.minpro.model.PolicyVersion;
import org.minpro.model.Transformer;
import org.minpro.rollout.ContinuousBatch;
import org.minpro.rollout.LocalRolloutEngine;
import org.minpro.run.MemoryEstimate;
import org.minpro.run.ModelFiles;
import org.minpro.serve.CompletionServer;
import org.minpro.serve.ServedModel;
import org.minpro.tensor.Engine;
import org.minpro.tensor.Workers;
import org.minpro.text.Tokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code minpro serve}: completions and chats over HTTP, until it is interrupted. */
@Command(
        name = "serve",
        mixinStandardHelpOptions = true,
        description = {
            "Answers completions and chats over HTTP, in the protocol of OpenAI: /v1/completions, /v1/chat/completions,"
                    + " /v1/models.",
            "",
            "It listens on this machine alone; with --host it takes another address, and clients then need a key: that of"
                    + " MINPRO_API_KEY in the environment, else one that it makes up and prints."
        })
final class ServeCommand implements Callable<Integer> {
    static final int PORT = 8000;

    /** Of clients' keys, in the environment. */
    private static final String KEY = "MINPRO_API_KEY";

    /** Tokens of a prompt and its response, unless the model has fewer positions. */
    private static final int USUAL_CONTEXT = 2048;

    private final Console console;
    private final MemoryCheck memory;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Option(names = "--host", paramLabel = "ADDRESS", description = "Address to listen on; 127.0.0.1 by default.")
    private String host = DashboardCommand.HOST;

    @Option(names = "--port", paramLabel = "N", description = "Port to listen on; 8000 by default, 0 takes a free one.")
    private int port = PORT;

    @Option(
            names = "--name",
            paramLabel = "NAME",
            description = "The model's name for clients; by default that of its folder.")
    private @Nullable String name;

    @Option(
            names = "--context",
            paramLabel = "N",
            description = "Most tokens of a prompt and its response; by default 2048, or the model's positions.")
    private @Nullable Integer context;

    @Option(
            names = "--slots",
            paramLabel = "N",
            description = "Responses that a worker generates at once; 16 by default. Their cache takes memory.")
    private int slots = LocalRolloutEngine.FEWEST_SLOTS;

    @Option(
            names = "--queue",
            paramLabel = "N",
            description = "Responses that may wait for a slot, 64 by default; a request beyond gets status 429.")
    private int queue = 64;

    @Option(
            names = "--date",
            paramLabel = "D",
            converter = DateConverter.class,
            description = "The date that the chat template sees, YYYY-MM-DD; by default today.")
    private @Nullable LocalDate date;

    ServeCommand(Console console, MemoryCheck memory) {
        this.console = console;
        this.memory = memory;
    }

    @Override
    public Integer call() throws InterruptedException {
        CountDownLatch stopped = new CountDownLatch(1);
        try (StopOnInterrupt interrupt = new StopOnInterrupt(line -> {})) {
            interrupt.stops(stopped::countDown);
            serve(server -> {
                console.say("serving: " + server.url()
                        + (server.key() == null || System.getenv(KEY) != null ? "" : ", key " + server.key())
                        + "  (Ctrl-C ends it)");
                stopped.await();
            });
        }
        return 0;
    }

    /** What is done while the server answers. */
    @FunctionalInterface
    interface While {
        void serving(CompletionServer server) throws InterruptedException;
    }

    void serve(While body) throws InterruptedException {
        if (port < 0 || port > 65535) {
            throw new IllegalArgumentException("--port must be in [0, 65535], got: " + port);
        }
        if (slots < 1 || slots > 4096) {
            throw new IllegalArgumentException("--slots must be in [1, 4096], got: " + slots);
        }
        if (queue < 0) {
            throw new IllegalArgumentException("--queue must be >= 0, got: " + queue);
        }
        ModelFiles files = model.open();
        int positions = files.config().maxPositions();
        int tokens = context == null ? Math.min(USUAL_CONTEXT, positions) : context;
        if (tokens < 2 || tokens > positions) {
            throw new IllegalArgumentException(
                    "--context must be in [2, " + positions + "] (the model's positions), got: " + tokens);
        }
        Kernels.notices(Engine.device(), model.type(files)).forEach(console::say);
        memory.require(
                MemoryEstimate.ofSampling(files.config(), model.type(files), model.threads(), slots, tokens),
                "--context (" + tokens + "), --slots (" + slots + ") or --workers");
        LocalDate day = date == null ? LocalDate.now(ZoneId.systemDefault()) : date;
        try (Tokenizer tokenizer = files.tokenizer();
                Workers workers = model.workers();
                Transformer transformer = model.transformer(files);
                PolicyVersion version = new PolicyVersion(0, transformer);
                ContinuousBatch batch = new ContinuousBatch(
                        version,
                        workers,
                        new ContinuousBatch.Size(slots, tokens, queue),
                        ids -> tokenizer.decode(ids, true));
                CompletionServer server = CompletionServer.start(
                        new ServedModel(
                                name(files),
                                tokenizer,
                                files.chatTemplate(day).orElse(null),
                                files.config().eosIds(),
                                files.config().vocabSize(),
                                tokens),
                        batch,
                        host,
                        port,
                        System.getenv(KEY))) {
            body.serving(server);
        }
    }

    private String name(ModelFiles files) {
        if (name != null) {
            return name;
        }
        Path last = files.path().toAbsolutePath().normalize().getFileName();
        return model.isBuiltin() || last == null ? "builtin" : last.toString();
    }
}

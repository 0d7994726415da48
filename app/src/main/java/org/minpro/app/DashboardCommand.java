package org.minpro.app;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.minpro.dashboard.DashboardServer;
import org.minpro.dashboard.RunDirectory;
import org.minpro.tensor.Engine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code minpro dashboard}: a page with the curves and the rollouts of runs, until it is interrupted. */
@Command(
        name = "dashboard",
        mixinStandardHelpOptions = true,
        description = {
            "Shows runs in a browser: curves, rollouts with their tokens, answers, settings; as they go on.",
            "",
            "It reads the runs' folders and writes none of them. It listens on this machine alone; with --host it takes"
                    + " another address, and its address then has a token. /metrics has the newest numbers for Prometheus."
        })
final class DashboardCommand implements Callable<Integer> {
    /** As TensorBoard's, one on: both can run. */
    static final int PORT = 6007;

    /** This machine alone. */
    static final String HOST = "127.0.0.1";

    private final Console console;

    @Parameters(
            paramLabel = "RUNS",
            arity = "0..1",
            defaultValue = "runs",
            description = "Folder of runs, or one run's folder; runs by default.")
    private Path runs = Path.of("runs");

    @Option(names = "--host", paramLabel = "ADDRESS", description = "Address to listen on; 127.0.0.1 by default.")
    private String host = HOST;

    @Option(names = "--port", paramLabel = "N", description = "Port to listen on; 6007 by default, 0 takes a free one.")
    private int port = PORT;

    DashboardCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws InterruptedException {
        if (port < 0 || port > 65535) {
            throw new IllegalArgumentException("--port must be in [0, 65535], got: " + port);
        }
        CountDownLatch stopped = new CountDownLatch(1);
        try (DashboardServer server = start(runs, host, port);
                StopOnInterrupt interrupt = new StopOnInterrupt(line -> {})) {
            interrupt.stops(stopped::countDown);
            console.say("dashboard of " + runs + ": " + server.url() + "  (Ctrl-C ends it)");
            stopped.await();
        }
        return 0;
    }

    static DashboardServer start(Path runs, String host, int port) {
        return DashboardServer.start(
                new RunDirectory(runs), host, port, Engine.cacheFolder().resolve("index"));
    }
}

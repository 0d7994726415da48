package org.minpro.app;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.minpro.model.Transformer;
import org.minpro.run.ModelFiles;
import org.minpro.tensor.DType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code minpro served-folder}: a folder that an inference server is started from, and the line that starts it. */
@Command(
        name = "served-folder",
        mixinStandardHelpOptions = true,
        description = {
            "Writes a model as a folder that vLLM or SGLang can take new weights of while it runs, and prints the line"
                    + " that starts vLLM from it.",
            "",
            "The head is written out and not tied to the embedding: a server on a CPU keeps an old head otherwise."
        })
final class ServedFolderCommand implements Callable<Integer> {
    /** What vLLM takes as --max-lora-rank. */
    private static final List<Integer> RANKS = List.of(1, 8, 16, 32, 64, 128, 256, 320, 512);

    private final Console console;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Option(names = "--out", paramLabel = "FOLDER", required = true, description = "The folder to write; new or empty.")
    private Path out = Path.of("");

    @Option(names = "--name", paramLabel = "NAME", description = "The model's name on the server; policy by default.")
    private String name = "policy";

    @Option(names = "--port", paramLabel = "N", description = "The server's port; 8100 by default.")
    private int port = 8100;

    @Option(
            names = "--context",
            paramLabel = "N",
            description = "Most tokens of a prompt and its response on the server; by default 1024, or the model's"
                    + " positions.")
    private @Nullable Integer context;

    @Option(
            names = "--lora-rank",
            paramLabel = "N",
            description =
                    "Largest adapter.rank of the runs that sample from the server; without it the server takes whole"
                            + " models alone.")
    private @Nullable Integer loraRank;

    ServedFolderCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        ModelFiles files = model.open();
        if (files.hasAdapter()) {
            throw new IllegalArgumentException(
                    "a served folder must be of a model without an adapter, got: one with it;"
                            + " merge the two first, with minpro merge");
        }
        int positions = files.config().maxPositions();
        int tokens = context == null ? Math.min(1024, positions) : context;
        if (tokens < 2 || tokens > positions) {
            throw new IllegalArgumentException(
                    "--context must be in [2, " + positions + "] (the model's positions), got: " + tokens);
        }
        if (loraRank != null && (loraRank < 1 || loraRank > RANKS.getLast())) {
            throw new IllegalArgumentException("--lora-rank must be in [1, " + RANKS.getLast() + "], got: " + loraRank);
        }
        try (Stream<Path> entries = Files.isDirectory(out) ? Files.list(out) : Stream.empty()) {
            if (Files.exists(out) && !Files.isDirectory(out)
                    || entries.findAny().isPresent()) {
                throw new IllegalArgumentException("--out must be a new or an empty folder, got: " + out);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("--out must be readable, got: " + out, e);
        }
        DType type = model.type(files);
        try (Transformer transformer = model.transformer(files)) {
            files.saveServed(out, transformer.parameters(), type);
        }
        console.result(startLine(type, tokens));
        return 0;
    }

    private String startLine(DType type, int tokens) {
        return "VLLM_SERVER_DEV_MODE=1 "
                + (loraRank == null ? "" : "VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 ")
                + "vllm serve "
                + quoted(out.toAbsolutePath().toString())
                + " --served-model-name " + quoted(name)
                + " --host 127.0.0.1 --port " + port
                + " --dtype " + (type == DType.BF16 ? "bfloat16" : "float32")
                + " --max-model-len " + tokens
                + " --enable-scale-out --logprobs-mode processed_logprobs"
                + (loraRank == null ? "" : adapters(loraRank));
    }

    /** Room for the newest adapter, the one before it, and those that responses under way began with. */
    private static String adapters(int rank) {
        int most = RANKS.stream().filter(one -> one >= rank).findFirst().orElseThrow();
        return " --enable-lora --max-lora-rank " + most + " --max-loras 2 --max-cpu-loras 4";
    }

    /** For a POSIX shell. */
    private static String quoted(String text) {
        return text.matches("[A-Za-z0-9_./:@%+-]+") ? text : "'" + text.replace("'", "'\\''") + "'";
    }
}

package org.minpro.app;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.minpro.run.MemoryEstimate;
import org.minpro.run.ModelFiles;
import org.minpro.tensor.DType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code minpro merge}. */
@Command(
        name = "merge",
        mixinStandardHelpOptions = true,
        description = {
            "Writes a model with an adapter's part added to its weights: a folder like any other.",
            "",
            "--model ADAPTER takes an adapter's folder, whose adapter_config.json names the model's; --model DIR --adapter"
                    + " ADAPTER names both. It adds in f32 and stores in the types of the model's folder."
        })
final class MergeCommand implements Callable<Integer> {
    private final Console console;

    @Mixin
    private final MemoryCheck memory;

    @Mixin
    private FolderOption model = new FolderOption();

    @Option(names = "--output", paramLabel = "DIR", required = true, description = "Folder that is made.")
    private Path output = Path.of("");

    MergeCommand(Console console, MemoryCheck memory) {
        this.console = console;
        this.memory = memory;
    }

    @Override
    public Integer call() {
        ModelFiles files = model.open();
        if (!files.hasAdapter()) {
            throw new IllegalArgumentException("--model must be an adapter's folder, or come with --adapter, got: "
                    + files.path() + " alone, which has no adapter to merge");
        }
        requireNew();
        memory.require(MemoryEstimate.ofMerging(files.config()), "what else runs here");
        files.saveMerged(output);
        console.say("model: " + output + ", in "
                + files.config().storedDType().name().toLowerCase(Locale.ROOT)
                + (files.config().storedDType() == DType.F32 ? "" : ": what was added in f32 is rounded"));
        return 0;
    }

    private void requireNew() {
        if (!Files.exists(output)) {
            return;
        }
        try (Stream<Path> entries = Files.list(output)) {
            if (entries.findAny().isPresent()) {
                throw new IllegalArgumentException("--output must be a new or an empty folder, got: " + output);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("--output must be a new or an empty folder, got: " + output, e);
        }
    }
}

package org.minpro.app;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.minpro.model.AdapterFolder;
import org.minpro.model.HuggingFaceReader;
import org.minpro.recipe.ModelSection;
import org.minpro.run.ModelFiles;
import picocli.CommandLine.Option;

/** Which model a command reads. */
final class FolderOption {
    @Option(
            names = "--model",
            paramLabel = "DIR",
            description =
                    "Hugging Face folder with config.json, *.safetensors and tokenizer.json; 'builtin' (the default)"
                            + " for the small model inside the jar. Or an adapter's folder, whose adapter_config.json names"
                            + " the model's.")
    private String model = ModelSection.BUILTIN;

    @Option(
            names = "--adapter",
            paramLabel = "DIR",
            description = "Folder of an adapter in PEFT's layout that is added to the model.")
    private @Nullable Path adapter;

    /** Whether it is the small model inside the jar. */
    boolean isBuiltin() {
        return model.equals(ModelSection.BUILTIN);
    }

    ModelFiles open() {
        ModelFiles files = ModelFiles.open(model);
        return adapter == null ? files : files.withAdapter(adapter);
    }

    /** The folder of a command that needs no weights. */
    Path folder() {
        if (isBuiltin() || AdapterFolder.isOne(Path.of(model))) {
            return open().path();
        }
        HuggingFaceReader.requireFolder(Path.of(model));
        return Path.of(model);
    }
}

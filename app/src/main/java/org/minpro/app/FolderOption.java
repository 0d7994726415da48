package org.minpro.app;

import java.nio.file.Path;
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
                            + " for the small model inside the jar.")
    private String model = ModelSection.BUILTIN;

    /** As it was given. */
    String path() {
        return model;
    }

    ModelFiles open() {
        return ModelFiles.open(model);
    }

    /** The folder of a command that needs no weights. */
    Path folder() {
        if (model.equals(ModelSection.BUILTIN)) {
            return open().path();
        }
        HuggingFaceReader.requireFolder(Path.of(model));
        return Path.of(model);
    }
}

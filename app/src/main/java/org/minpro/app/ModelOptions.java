package org.minpro.app;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.minpro.model.HuggingFaceFolder;
import org.minpro.model.Transformer;
import org.minpro.recipe.ModelFiles;
import org.minpro.recipe.ModelSection;
import org.minpro.tensor.DType;
import org.minpro.tensor.Workers;
import org.minpro.text.Tokenizer;
import picocli.CommandLine.Option;

/** Which model a command uses, and how it computes. */
final class ModelOptions {
    @Option(
            names = "--model",
            paramLabel = "DIR",
            description =
                    "Hugging Face folder with config.json, *.safetensors and tokenizer.json; 'builtin' (the default)"
                            + " for the small model inside the jar.")
    private String model = ModelSection.BUILTIN;

    @Option(
            names = "--dtype",
            paramLabel = "T",
            description = "Compute in f32 or bf16; by default the folder's type, f16 as f32.")
    private ModelSection.@Nullable Dtype dtype;

    @Option(names = "--workers", paramLabel = "N", description = "Threads that compute; by default one per core.")
    private int workers;

    ModelFiles open() {
        return ModelFiles.open(model);
    }

    /** The folder of a command that needs no weights. */
    Path folder() {
        if (model.equals(ModelSection.BUILTIN)) {
            return ModelFiles.open(model).path();
        }
        HuggingFaceFolder.requireFolder(Path.of(model));
        return Path.of(model);
    }

    Workers workers() {
        if (workers < 0 || workers > 1024) {
            throw new IllegalArgumentException("--workers must be in [0, 1024], got: " + workers);
        }
        return new Workers(workers > 0 ? workers : Runtime.getRuntime().availableProcessors());
    }

    Transformer transformer(ModelFiles files) {
        DType type = files.computeType(dtype);
        return files.transformer(type);
    }

    /** The tokenizer of a folder; says once that no beginning-of-sequence token is added where the model's own adds one. */
    static Tokenizer tokenizer(Path folder, Console console) {
        Tokenizer tokenizer = Tokenizer.load(folder);
        if (tokenizer.addsBeginOfSequence()) {
            console.say("minpro: no beginning-of-sequence token is added, though this tokenizer would add one; write it"
                    + " into the text where it is wanted");
        }
        return tokenizer;
    }
}

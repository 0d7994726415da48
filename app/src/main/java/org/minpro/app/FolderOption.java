package org.minpro.app;

import java.nio.file.Path;
import org.minpro.model.HuggingFaceFolder;
import org.minpro.recipe.ModelFiles;
import org.minpro.recipe.ModelSection;
import org.minpro.text.Tokenizer;
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

    ModelFiles open() {
        return ModelFiles.open(model);
    }

    /** The folder of a command that needs no weights. */
    Path folder() {
        if (model.equals(ModelSection.BUILTIN)) {
            return open().path();
        }
        HuggingFaceFolder.requireFolder(Path.of(model));
        return Path.of(model);
    }

    /** Says that no beginning-of-sequence token is added where the model's own tokenizer adds one. */
    static void sayWhatIsNotAdded(Tokenizer tokenizer, Console console) {
        if (tokenizer.addsBeginOfSequence()) {
            console.say("minpro: no beginning-of-sequence token is added, though this tokenizer would add one; write it"
                    + " into the text where it is wanted");
        }
    }
}

package org.minpro.recipe;

import java.nio.file.Path;
import java.time.LocalDate;
import java.util.Optional;
import org.minpro.model.HuggingFaceFolder;
import org.minpro.model.ModelConfig;
import org.minpro.model.Parameters;
import org.minpro.model.Transformer;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
import org.minpro.text.ChatTemplate;
import org.minpro.text.Tokenizer;
import org.minpro.train.Policy;

/** A model's folder, opened and checked, before its weights take any memory. */
public final class ModelFiles {
    private final HuggingFaceFolder folder;

    private ModelFiles(HuggingFaceFolder folder) {
        this.folder = folder;
    }

    /**
     * Opens a model.
     *
     * @param path {@value ModelSection#BUILTIN}, or a Hugging Face folder
     */
    public static ModelFiles open(String path) {
        return new ModelFiles(
                path.equals(ModelSection.BUILTIN)
                        ? HuggingFaceFolder.open(BuiltinModel.folder())
                        : HuggingFaceFolder.open(path));
    }

    public Path path() {
        return folder.path();
    }

    public HuggingFaceFolder folder() {
        return folder;
    }

    public ModelConfig config() {
        return folder.config();
    }

    /** What is computed in: what is asked for, else the folder's type, with float16 widened to float32. */
    public DType computeType(ModelSection.@org.jspecify.annotations.Nullable Dtype asked) {
        if (asked != null) {
            return asked == ModelSection.Dtype.BF16 ? DType.BF16 : DType.F32;
        }
        return config().storedDType() == DType.BF16 ? DType.BF16 : DType.F32;
    }

    public Tokenizer tokenizer() {
        return Tokenizer.load(folder.path());
    }

    public Optional<ChatTemplate> chatTemplate(LocalDate today) {
        return ChatTemplate.find(folder.path(), today);
    }

    /** The model to sample from and to score with. Its parameters are closed by the caller, too. */
    public Transformer transformer(DType compute) {
        Parameters parameters = Parameters.zeros(config(), compute);
        try (Scope scope = Scope.open()) {
            folder.load(parameters.named());
        }
        return new Transformer(config(), parameters);
    }

    /** The model to train, with float32 master weights. */
    public Policy policy(DType compute) {
        Parameters master = Parameters.zeros(config(), DType.F32);
        try (Scope scope = Scope.open()) {
            folder.load(master.named());
        }
        return new Policy(config(), master, compute);
    }
}

package org.minpro.recipe;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.config.Rule;

/**
 * Which model.
 *
 * @param path {@value #BUILTIN}, or a Hugging Face folder
 * @param dtype what is computed in, or null for the folder's
 */
public record ModelSection(
        @Doc("'builtin' for the small model inside the jar, or a Hugging Face folder with config.json, *.safetensors"
                + " and tokenizer.json.")
        String path,

        @Doc("Type of weights and activations while computing; log-probabilities and the optimizer are always f32."
                + " null takes the folder's (f16 becomes f32).")
        @Nullable Dtype dtype) {
    /** The path of the model inside the jar. */
    public static final String BUILTIN = "builtin";

    /** A type that a model computes in. */
    public enum Dtype {
        F32,
        BF16
    }

    public ModelSection {
        Rule.check(!path.isBlank(), "path", "'" + BUILTIN + "' or a folder", "'" + path + "'");
    }

    public ModelSection() {
        this(BUILTIN, null);
    }

    /** The same with the folder's whole path, so that a run can be continued from anywhere. */
    public ModelSection located() {
        Path folder = isBuiltin() ? null : Path.of(path);
        return folder == null || !Files.isDirectory(folder)
                ? this
                : new ModelSection(folder.toAbsolutePath().normalize().toString(), dtype);
    }

    public boolean isBuiltin() {
        return path.equals(BUILTIN);
    }
}

package org.minpro.recipe;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.model.ModelConfig;
import org.minpro.model.ParameterSelection;

/**
 * Which model.
 *
 * @param path {@value #BUILTIN}, or a Hugging Face folder
 * @param dtype what is computed in, or null for the folder's
 * @param trainable patterns of the names of the parameters that are trained
 * @param beyondPositions whether sequences may be longer than the model was made for
 */
public record ModelSection(
        @Doc("'builtin' for the small model inside the jar, or a Hugging Face folder with config.json, *.safetensors"
                + " and tokenizer.json.")
        String path,

        @Doc("Type of weights and activations while computing; log-probabilities and the optimizer are always f32."
                + " null takes the folder's (f16 becomes f32).")
        @Nullable Dtype dtype,

        @Doc("Which parameters are trained: patterns of their names in the folder's safetensors, in which * stands for"
                + " any letters, such as model.layers.1.* or \"*.self_attn.*\"; the others keep their values. Experts have"
                + " one name for all of a layer, such as model.layers.0.mlp.experts.down_proj.weight.")
        List<String> trainable,

        @Doc(
                "Whether a prompt and its response may be longer than the folder's max_position_embeddings, which is refused"
                        + " otherwise.")
        boolean beyondPositions) {
    /** The path of the model inside the jar. */
    public static final String BUILTIN = "builtin";

    /** A type that a model computes in. */
    public enum Dtype {
        F32,
        BF16
    }

    public ModelSection {
        Rule.check(!path.isBlank(), "path", "'" + BUILTIN + "' or a folder", "'" + path + "'");
        trainable = List.copyOf(trainable);
        Rule.check(!trainable.isEmpty(), "trainable", "at least one pattern ('*' trains everything)", trainable);
    }

    public ModelSection() {
        this(BUILTIN, null, List.of("*"), false);
    }

    /** The same with the folder's whole path, so that a run can be continued from anywhere. */
    public ModelSection located() {
        Path folder = isBuiltin() ? null : Path.of(path);
        return folder == null || !Files.isDirectory(folder)
                ? this
                : new ModelSection(folder.toAbsolutePath().normalize().toString(), dtype, trainable, beyondPositions);
    }

    /**
     * The parameters that are trained.
     *
     * @throws IllegalArgumentException where a pattern names none of the model's, or only some parts of one tensor
     */
    public ParameterSelection trained(ModelConfig config) {
        return ParameterSelection.of(config, trainable);
    }

    public boolean isBuiltin() {
        return path.equals(BUILTIN);
    }
}

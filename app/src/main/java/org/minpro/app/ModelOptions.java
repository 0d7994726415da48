package org.minpro.app;

import java.time.LocalDate;
import org.jspecify.annotations.Nullable;
import org.minpro.model.Transformer;
import org.minpro.recipe.ModelSection;
import org.minpro.run.LanguageModel;
import org.minpro.run.ModelFiles;
import org.minpro.tensor.Cuda;
import org.minpro.tensor.DType;
import org.minpro.tensor.Engine;
import org.minpro.tensor.Workers;
import org.minpro.train.ComputeSettings;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which model a command computes with, and how. */
final class ModelOptions {
    @Mixin
    private FolderOption folder = new FolderOption();

    @Option(
            names = "--dtype",
            paramLabel = "T",
            description = "Compute in f32 or bf16; by default the folder's type, f16 as f32.")
    private ModelSection.@Nullable Dtype dtype;

    @Option(names = "--device", paramLabel = DeviceOption.LABEL, description = DeviceOption.DESCRIPTION)
    private String device = "auto";

    @Option(
            names = "--workers",
            paramLabel = "N",
            description = "Threads that compute; by default one per core, and one for a GPU.")
    private int workers;

    /** Whether it is the small model inside the jar. */
    boolean isBuiltin() {
        return folder.isBuiltin();
    }

    /** The model's files, and where it will be computed. */
    ModelFiles open() {
        if (!Cuda.isSetting(device)) {
            throw new IllegalArgumentException("--device must be auto, cpu, cuda or cuda:N, got: " + device);
        }
        Engine.use(device);
        return folder.open();
    }

    /**
     * The model to talk with.
     *
     * @param seed of what is sampled
     * @param date that the chat template sees
     */
    LanguageModel load(long seed, LocalDate date) {
        return LanguageModel.load(open(), new LanguageModel.Settings(device, dtype, threads(), seed, date));
    }

    int threads() {
        if (workers < 0 || workers > 1024) {
            throw new IllegalArgumentException("--workers must be in [0, 1024], got: " + workers);
        }
        return new ComputeSettings(device, 0, 0, workers).threads();
    }

    Workers workers() {
        return new Workers(threads());
    }

    /** What is computed in. */
    DType type(ModelFiles files) {
        return files.computeType(dtype);
    }

    Transformer transformer(ModelFiles files) {
        return files.transformer(type(files));
    }
}

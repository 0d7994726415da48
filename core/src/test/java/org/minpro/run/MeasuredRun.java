package org.minpro.run;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import org.minpro.config.Settings;
import org.minpro.model.HuggingFaceReader;
import org.minpro.model.HuggingFaceWriter;
import org.minpro.model.ModelConfig;
import org.minpro.model.Parameters;
import org.minpro.recipe.Recipe;
import org.minpro.recipe.SftRecipe;
import org.minpro.reward.Score;
import org.minpro.tensor.Device;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * A run in a process of its own, which prints what {@link MemoryEstimate} says of it and the peak of its resident memory,
 * both in bytes.
 *
 * <p>Arguments: {@code train} or {@code sft}, the recipe as YAML.
 */
final class MeasuredRun {
    private MeasuredRun() {}

    public static void main(String[] arguments) throws IOException {
        Settings settings = new Settings().yaml("test", arguments[1]);
        System.out.println(
                arguments[0].equals("train")
                        ? train(Recipe.binder(MeasuredRun.class.getClassLoader())
                                .bind(Recipe.class, settings))
                        : sft(SftRecipe.binder().bind(SftRecipe.class, settings)));
        System.out.println(peakBytes());
    }

    private static long train(Recipe recipe) {
        try (TrainingSession session = TrainingSession.of(recipe)
                // Responses of a group that differ in their reward, or nothing would be learnt.
                .reward((problem, rollout) -> Score.of(rollout.sample() % 2))
                .start()) {
            session.run();
            session.saveModel();
            ModelFiles files = session.files();
            return MemoryEstimate.ofTraining(
                    recipe, files.config(), files.computeType(recipe.model().dtype()));
        }
    }

    private static long sft(SftRecipe recipe) {
        try (SftSession session = SftSession.start(recipe, line -> {})) {
            session.run((report, seconds) -> {});
            ModelFiles files = session.files();
            return MemoryEstimate.ofSupervised(
                    recipe, files.config(), files.computeType(recipe.model().dtype()));
        }
    }

    private static long peakBytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmHWM:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                .findFirst()
                .orElseThrow();
    }

    /** Writes a model of random weights with the built-in tokenizer as a Hugging Face folder. */
    static Path writeModel(Path parent, String config) throws IOException {
        Path bare = Files.createDirectories(parent.resolve("bare"));
        Files.writeString(bare.resolve("config.json"), config);
        ModelConfig read = ModelConfig.read(bare);
        Path folder = parent.resolve("model");
        try (Parameters parameters = Parameters.zeros(read, Device.CPU, read.storedDType());
                Scope scope = Scope.open()) {
            double[] numbers = Philox.normals(1 << 16, 1, Philox.Purpose.TRIAL, 0);
            Tensor normals = Tensor.of(
                    Device.CPU,
                    Arrays.stream(numbers).map(number -> 0.02 * number).toArray());
            parameters.stored().forEach((name, tensor) -> fill(name, tensor, normals));
            HuggingFaceWriter.write(folder, read, parameters.named());
        }
        for (String file : new String[] {"tokenizer.json", "tokenizer_config.json", "generation_config.json"}) {
            try (InputStream in = Objects.requireNonNull(
                    HuggingFaceReader.class.getResourceAsStream("/org/minpro/builtin/" + file))) {
                Files.write(folder.resolve(file), in.readAllBytes());
            }
        }
        Files.writeString(folder.resolve("chat_template.jinja"), "{% for m in messages %}{{ m.content }}{% endfor %}");
        return folder;
    }

    private static void fill(String name, Tensor tensor, Tensor normals) {
        if (name.endsWith("norm.weight")) {
            tensor.fillInPlace(1);
            return;
        }
        try (Scope scope = Scope.open()) {
            Tensor flat = tensor.view(tensor.elements());
            for (long start = 0; start < flat.elements(); start += normals.elements()) {
                long count = Math.min(normals.elements(), flat.elements() - start);
                flat.narrow(0, start, count).copyInPlace(normals.narrow(0, 0, count));
            }
        }
    }
}

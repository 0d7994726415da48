package org.minpro.run;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.LocalDate;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.minpro.model.HuggingFaceReader;
import org.minpro.model.HuggingFaceWriter;
import org.minpro.model.ModelConfig;
import org.minpro.model.ParameterSelection;
import org.minpro.model.Parameters;
import org.minpro.model.Transformer;
import org.minpro.recipe.ModelSection;
import org.minpro.tensor.DType;
import org.minpro.tensor.Engine;
import org.minpro.tensor.Scope;
import org.minpro.text.ChatTemplate;
import org.minpro.text.Tokenizer;
import org.minpro.train.Policy;

/** A model's folder, opened and checked, before its weights take any memory. */
public final class ModelFiles {
    private final Path path;
    private final ModelConfig config;
    private final @Nullable HuggingFaceReader folder;

    private ModelFiles(Path path, ModelConfig config, @Nullable HuggingFaceReader folder) {
        this.path = path;
        this.config = config;
        this.folder = folder;
    }

    /**
     * Opens a model.
     *
     * @param path {@value ModelSection#BUILTIN}, or a Hugging Face folder
     */
    public static ModelFiles open(String path) {
        HuggingFaceReader folder = path.equals(ModelSection.BUILTIN)
                ? HuggingFaceReader.open(BuiltinModel.folder())
                : HuggingFaceReader.open(path);
        return new ModelFiles(folder.path(), folder.config(), folder);
    }

    /** Opens a folder for its configuration and tokenizer alone; it needs no weights. */
    public static ModelFiles withoutWeights(String path) {
        Path folder = path.equals(ModelSection.BUILTIN) ? BuiltinModel.folder() : Path.of(path);
        HuggingFaceReader.requireFolder(folder);
        return new ModelFiles(folder, ModelConfig.read(folder), null);
    }

    public Path path() {
        return path;
    }

    public ModelConfig config() {
        return config;
    }

    /**
     * The SHA-256 over all files of the folder that decide what the model says: weights, configuration, tokenizer, chat
     * templates. Reads all of them.
     */
    public String sha256() {
        try (Stream<Path> entries = Files.walk(path, 2)) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (Path file : entries.filter(Files::isRegularFile)
                    .filter(file -> file.toString().matches(".*\\.(safetensors|json|jinja)"))
                    .sorted()
                    .toList()) {
                digest.update(
                        path.relativize(file).toString().replace('\\', '/').getBytes(StandardCharsets.UTF_8));
                digest.update(ByteBuffer.allocate(8).putLong(Files.size(file)).flip());
                try (DigestInputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
                    in.transferTo(OutputStream.nullOutputStream());
                }
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (IOException e) {
            throw new UncheckedIOException("the model folder must be readable, got: " + path, e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** Writes a model of this shape, with the tokenizer's files, in the layout and the types of this one. */
    public void save(Path target, Parameters parameters) {
        try (Scope scope = Scope.open()) {
            if (folder != null) {
                HuggingFaceWriter.writeLike(folder, target, parameters.named());
                return;
            }
            HuggingFaceWriter.write(target, config, parameters.named());
            for (String name : List.of("tokenizer.json", "tokenizer_config.json", "generation_config.json")) {
                if (Files.exists(path.resolve(name))) {
                    Files.copy(path.resolve(name), target.resolve(name), StandardCopyOption.REPLACE_EXISTING);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the model folder must be writable, got: " + target, e);
        }
    }

    /**
     * Writes a model of this shape for an inference server: in one type, with a head of its own ({@link
     * HuggingFaceWriter#writeUntied}) and the tokenizer's files.
     *
     * @param type what the server computes in
     */
    public void saveServed(Path target, Parameters parameters, DType type) {
        try (Scope scope = Scope.open()) {
            HuggingFaceWriter.writeUntied(weights(), target, parameters.named(), type);
        }
    }

    private HuggingFaceReader weights() {
        if (folder == null) {
            throw new IllegalStateException("a model opened without weights has none to load: " + path);
        }
        return folder;
    }

    /** What is computed in: what is asked for, else the folder's type, with float16 widened to float32. */
    public DType computeType(ModelSection.@Nullable Dtype asked) {
        if (asked != null) {
            return asked == ModelSection.Dtype.BF16 ? DType.BF16 : DType.F32;
        }
        return config().storedDType() == DType.BF16 ? DType.BF16 : DType.F32;
    }

    public Tokenizer tokenizer() {
        return Tokenizer.load(path);
    }

    public Optional<ChatTemplate> chatTemplate(LocalDate today) {
        return ChatTemplate.find(path, today);
    }

    /** The model to sample from and to score with. Its parameters are closed by the caller, too. */
    public Transformer transformer(DType compute) {
        Parameters parameters = Parameters.zeros(config(), Engine.device(), compute);
        try (Scope scope = Scope.open()) {
            weights().load(parameters.named());
        }
        return new Transformer(config(), parameters);
    }

    /**
     * The model to train. Trained weights have float32 masters; frozen ones are kept in the compute type alone where the
     * folder has that type too, so that they can be saved as they were.
     */
    public Policy policy(DType compute, ParameterSelection trained) {
        Parameters master = Parameters.zeros(
                config(), trained, Engine.device(), DType.F32, weights().isStoredIn(compute) ? compute : DType.F32);
        try (Scope scope = Scope.open()) {
            weights().load(master.named());
        }
        return new Policy(config(), master, compute);
    }
}

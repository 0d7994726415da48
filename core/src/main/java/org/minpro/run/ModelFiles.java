package org.minpro.run;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.LocalDate;
import java.util.HexFormat;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.minpro.model.AdapterFolder;
import org.minpro.model.HuggingFaceReader;
import org.minpro.model.HuggingFaceWriter;
import org.minpro.model.LowRankAdapter;
import org.minpro.model.ModelConfig;
import org.minpro.model.ModelFormatException;
import org.minpro.model.ParameterSelection;
import org.minpro.model.Parameters;
import org.minpro.model.Transformer;
import org.minpro.recipe.AdapterSection;
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
    private final @Nullable Adapter adapter;

    /** An adapter in a folder, as one of the model. */
    private record Adapter(AdapterFolder folder, LowRankAdapter of) {}

    private ModelFiles(Path path, ModelConfig config, @Nullable HuggingFaceReader folder, @Nullable Adapter adapter) {
        this.path = path;
        this.config = config;
        this.folder = folder;
        this.adapter = adapter;
    }

    /**
     * Opens a model.
     *
     * @param path {@value ModelSection#BUILTIN}, a Hugging Face folder, or a folder with an adapter in the layout of PEFT, which
     *     names the folder of its model
     */
    public static ModelFiles open(String path) {
        if (isAdapter(path)) {
            AdapterFolder adapter = AdapterFolder.open(Path.of(path));
            return open(base(adapter).toString()).withAdapter(adapter);
        }
        HuggingFaceReader folder = path.equals(ModelSection.BUILTIN)
                ? HuggingFaceReader.open(BuiltinModel.folder())
                : HuggingFaceReader.open(path);
        return new ModelFiles(folder.path(), folder.config(), folder, null);
    }

    /** Opens a model, with the adapter that is to be added to it, if there is one. */
    public static ModelFiles open(ModelSection model, AdapterSection adapter) {
        ModelFiles files = open(model.path());
        return adapter.path() == null ? files : files.withAdapter(Path.of(adapter.path()));
    }

    /** Opens a folder for its configuration and tokenizer alone; it needs no weights. */
    public static ModelFiles withoutWeights(String path) {
        if (isAdapter(path)) {
            return withoutWeights(base(AdapterFolder.open(Path.of(path))).toString());
        }
        Path folder = path.equals(ModelSection.BUILTIN) ? BuiltinModel.folder() : Path.of(path);
        HuggingFaceReader.requireFolder(folder);
        return new ModelFiles(folder, ModelConfig.read(folder), null, null);
    }

    /** An adapter's folder may be the model's too, where somebody put both into one; then it is the model that is meant. */
    private static boolean isAdapter(String path) {
        return !path.isBlank()
                && AdapterFolder.isOne(Path.of(path))
                && Files.notExists(Path.of(path).resolve("config.json"));
    }

    private static Path base(AdapterFolder adapter) {
        String base = adapter.base();
        if (base == null || base.isBlank() || !Files.isDirectory(Path.of(base))) {
            throw new ModelFormatException(
                    adapter.path().resolve(AdapterFolder.CONFIG_FILE),
                    "base_model_name_or_path must be the folder of the adapter's model, got: "
                            + (base == null ? "nothing" : base)
                            + "; give the model's folder as --model and this one as --adapter (of a recipe, adapter.path)");
        }
        return Path.of(base);
    }

    /**
     * The model with an adapter added to it, whatever model that says it belongs to.
     *
     * @param folder in the layout of PEFT
     * @throws ModelFormatException if its maps are not the model's
     */
    public ModelFiles withAdapter(Path folder) {
        return withAdapter(AdapterFolder.open(folder));
    }

    private ModelFiles withAdapter(AdapterFolder added) {
        if (adapter != null) {
            throw new IllegalArgumentException(
                    "a model must have one adapter at most, got: " + adapter.folder.path() + " and " + added.path());
        }
        return new ModelFiles(path, config, folder, new Adapter(added, added.adapter(config)));
    }

    /** The model's folder; with an adapter, that of the model that it is added to. */
    public Path path() {
        return path;
    }

    public ModelConfig config() {
        return config;
    }

    /**
     * The SHA-256 over all files of the folder that decide what the model says: weights, configuration, tokenizer, chat
     * templates; and those of an adapter. Reads all of them.
     */
    public String sha256() {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            add(path, digest);
            if (adapter != null) {
                add(adapter.folder.path(), digest);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static void add(Path path, MessageDigest digest) {
        try (Stream<Path> entries = Files.walk(path, 2)) {
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
        } catch (IOException e) {
            throw new UncheckedIOException("the model folder must be readable, got: " + path, e);
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
            HuggingFaceWriter.copyCompanions(path, target);
        }
    }

    /**
     * Writes a model of this shape for an inference server: in one type, with a head of its own ({@link
     * HuggingFaceWriter#writeUntied}) and the tokenizer's files.
     *
     * @param type what the server computes in
     * @throws IllegalArgumentException if there is an adapter beside the weights
     */
    public void saveServed(Path target, Parameters parameters, DType type) {
        if (!parameters.adapter().isEmpty()) {
            throw new IllegalArgumentException(
                    "a folder for a server must be of a whole model, got: one with an adapter; 'minpro merge' makes it one");
        }
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
        return new Transformer(config(), parameters(compute));
    }

    /** The weights, with the adapter's beside them; closed by the caller. */
    Parameters parameters(DType compute) {
        Parameters parameters = adapter == null
                ? Parameters.zeros(config(), Engine.device(), compute)
                : Parameters.zeros(
                        config(), ParameterSelection.of(config(), adapter.of), Engine.device(), DType.F32, compute);
        try (Scope scope = Scope.open()) {
            weights().load(parameters.named());
        }
        if (adapter != null) {
            adapter.folder.load(parameters);
        }
        return parameters;
    }

    /**
     * Writes the model with the adapter's part added to its weights, which then is one like any other: computed in float32, in
     * the layout and the types of the model's folder.
     *
     * @throws IllegalStateException if there is no adapter
     */
    public void saveMerged(Path target) {
        if (adapter == null) {
            throw new IllegalStateException("a model must have an adapter to be merged, got: none in " + path);
        }
        try (Parameters parameters = parameters(DType.F32)) {
            parameters.mergeAdapter();
            save(target, parameters);
        }
    }

    /** Whether an adapter is added to the model. */
    public boolean hasAdapter() {
        return adapter != null;
    }

    /**
     * The model to train. Trained weights have float32 masters; frozen ones are kept in the compute type alone where the
     * folder has that type too, so that they can be saved as they were.
     */
    public Policy policy(DType compute, ParameterSelection trained) {
        return policy(compute, trained, parameters -> {});
    }

    /**
     * The same with an adapter, if one is trained: its weights are float32, and those that it is beside are kept in the compute
     * type alone, since nobody saves them.
     *
     * @param beginning writes what the adapter begins with
     */
    public Policy policy(DType compute, ParameterSelection trained, Consumer<Parameters> beginning) {
        if (adapter != null) {
            throw new IllegalArgumentException("model.path must be a model to be trained, got: " + adapter.folder.path()
                    + ", an adapter; set adapter.path to it, and model.path to " + path);
        }
        boolean adapted = trained.adapter() != null;
        DType frozen = adapted || weights().isStoredIn(compute) ? compute : DType.F32;
        Parameters master = Parameters.zeros(config(), trained, Engine.device(), DType.F32, frozen);
        try (Scope scope = Scope.open()) {
            weights().load(master.named());
        }
        if (adapted) {
            beginning.accept(master);
        }
        return new Policy(config(), master, compute);
    }

    /**
     * Writes what a run trained: an adapter as {@link #saveAdapter}, else the model.
     *
     * @return the folder that it is in
     */
    Path saveTrained(RunFolder run, Parameters parameters) {
        if (parameters.selection().adapter() != null) {
            saveAdapter(run.adapter(), parameters);
            return run.adapter();
        }
        save(run.model(), parameters);
        return run.model();
    }

    /** Writes the adapter of a model's parameters as a folder that PEFT reads, beside this model. */
    public void saveAdapter(Path target, Parameters parameters) {
        AdapterFolder.write(target, config, path.toAbsolutePath().normalize().toString(), parameters);
    }
}

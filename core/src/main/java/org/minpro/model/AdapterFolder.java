package org.minpro.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * An adapter in a folder in the layout of Hugging Face's PEFT: {@code adapter_config.json} and {@code adapter_model.safetensors}.
 *
 * <p>Experts are modules of their own there, {@code mlp.experts.3.up_proj}; here they are stacked. Whatever a configuration
 * asks for that is no low-rank adapter of linear maps is refused by name. Dropout is a matter of training and is not read.
 */
public final class AdapterFolder {
    public static final String CONFIG_FILE = "adapter_config.json";
    private static final String WEIGHTS_FILE = "adapter_model.safetensors";
    private static final String PREFIX = "base_model.model.";
    private static final Pattern EXPERT = Pattern.compile("(.*\\.mlp\\.experts)\\.(\\d+)\\.(\\w+)");
    private static final Pattern TENSOR = Pattern.compile("base_model\\.model\\.(.*)\\.lora_([AB])\\.weight");

    /** Keys that say nothing of what is computed once the tensors are there. */
    private static final Set<String> DESCRIPTIVE = Set.of(
            "peft_type",
            "task_type",
            "auto_mapping",
            "peft_version",
            "base_model_name_or_path",
            "revision",
            "inference_mode",
            "r",
            "lora_alpha",
            "lora_dropout",
            "target_modules",
            "exclude_modules",
            "layers_to_transform",
            "layers_pattern",
            "use_rslora",
            "bias",
            "init_lora_weights",
            "megatron_core",
            "qalora_group_size",
            "runtime_config");

    /** Ways to begin that leave the weights of the model as they are; the others change them. */
    private static final Set<String> BEGINNINGS = Set.of("gaussian", "eva", "orthogonal");

    private final Path folder;
    private final JsonObjectFile config;
    private final SafetensorsHeader header;

    private AdapterFolder(Path folder, JsonObjectFile config, SafetensorsHeader header) {
        this.folder = folder;
        this.config = config;
        this.header = header;
    }

    /** Whether a folder has an adapter's configuration. */
    public static boolean isOne(Path folder) {
        return Files.isRegularFile(folder.resolve(CONFIG_FILE));
    }

    /**
     * Opens a folder and checks its configuration and the header of its weights.
     *
     * @throws ModelFormatException if it is no adapter, or one of another kind
     */
    public static AdapterFolder open(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new ModelFormatException(
                    folder,
                    "adapter must be a folder with " + CONFIG_FILE + " and " + WEIGHTS_FILE + ", got: "
                            + (Files.exists(folder) ? "a file" : "no such folder"));
        }
        JsonObjectFile config = JsonObjectFile.read(folder.resolve(CONFIG_FILE));
        if (!"LORA".equals(config.text("peft_type"))) {
            throw config.refusal("peft_type", "LORA");
        }
        String bias = config.text("bias");
        if (bias != null && !bias.equals("none")) {
            throw config.refusal("bias", "none, since no bias is adapted here");
        }
        requireBeginning(config);
        for (String key : config.keys()) {
            if (!DESCRIPTIVE.contains(key) && !config.isNeutral(key)) {
                throw config.refusal(key, "left out, null or false, since nothing here computes it");
            }
        }
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve(WEIGHTS_FILE))) {
            return new AdapterFolder(folder, config, file.header());
        }
    }

    private static void requireBeginning(JsonObjectFile config) {
        String key = "init_lora_weights";
        try {
            config.flag(key);
        } catch (ModelFormatException e) {
            String text = config.text(key);
            if (text == null || !BEGINNINGS.contains(text)) {
                throw config.refusal(
                        key,
                        "true, false or one of " + BEGINNINGS.stream().sorted().toList()
                                + ", which leave the weights of the model as they are");
            }
        }
    }

    public Path path() {
        return folder;
    }

    /** The model that it says it belongs to, a folder or a name on a hub; null where it says none. */
    public @Nullable String base() {
        return config.text("base_model_name_or_path");
    }

    /**
     * The adapter, as one of a model.
     *
     * @throws ModelFormatException where its maps are not the model's, in name and shape
     */
    public LowRankAdapter adapter(ModelConfig model) {
        Integer rank = config.integer("r");
        if (rank == null || rank < 1) {
            throw config.refusal("r", "an integer >= 1");
        }
        double alpha = config.number("lora_alpha", 8);
        LowRankAdapter.Variant variant =
                config.flag("use_rslora", false) ? LowRankAdapter.Variant.RSLORA : LowRankAdapter.Variant.LORA;
        SequencedSet<String> modules = new LinkedHashSet<>();
        header.tensors().keySet().forEach(name -> modules.add(stacked(module(name))));
        List<String> linear = LowRankAdapter.linearMaps(model);
        for (String module : modules) {
            if (!linear.contains(module)) {
                throw refusal("its maps must be those of the model, got: " + module
                        + ", which the model has not; the adapter was made for "
                        + (base() == null ? "another one" : base()));
            }
        }
        if (modules.isEmpty()) {
            throw refusal("it must have at least one tensor, got: none");
        }
        LowRankAdapter adapter = LowRankAdapter.of(model, rank, alpha, variant, List.copyOf(modules));
        SequencedMap<String, Stored> expected = stored(adapter);
        expected.forEach((name, stored) -> {
            SafetensorsHeader.Entry entry = header.tensors().get(name);
            if (entry == null || !entry.shape().equals(stored.shape())) {
                throw refusal("tensor " + name + " must have the shape " + stored.shape() + " beside this model, got: "
                        + (entry == null ? "no such tensor" : entry.shape()));
            }
        });
        return adapter;
    }

    private String module(String tensor) {
        Matcher matcher = TENSOR.matcher(tensor);
        if (!matcher.matches()) {
            throw refusal("tensors must be named " + PREFIX + "MAP.lora_A.weight or .lora_B.weight, got: " + tensor);
        }
        return matcher.group(1);
    }

    private ModelFormatException refusal(String text) {
        return new ModelFormatException(folder.resolve(WEIGHTS_FILE), text);
    }

    /** The name of a module among the model's linear maps, where experts are stacked. */
    private static String stacked(String module) {
        Matcher matcher = EXPERT.matcher(module);
        return matcher.matches() ? matcher.group(1) + "." + matcher.group(3) : module;
    }

    /**
     * A tensor of the file.
     *
     * @param parameter that it is, or is one expert of, by the name of {@link Parameters#adapter}
     * @param expert its place in the stack, or null
     */
    private record Stored(String parameter, @Nullable Integer expert, List<Long> shape) {
        Tensor of(Map<String, Tensor> parameters) {
            Tensor tensor = Objects.requireNonNull(parameters.get(parameter));
            return expert == null ? tensor : tensor.select(0, expert);
        }
    }

    /** The file's tensors by name. */
    private static SequencedMap<String, Stored> stored(LowRankAdapter adapter) {
        SequencedMap<String, Stored> tensors = new LinkedHashMap<>();
        for (String module : adapter.modules()) {
            long[] up = Objects.requireNonNull(adapter.storedShapes().get(LowRankAdapter.up(module)));
            long in = adapter.inputs(module);
            List<Long> down = List.of((long) adapter.rank(), in);
            if (up.length == 2) {
                tensors.put(PREFIX + LowRankAdapter.down(module), new Stored(LowRankAdapter.down(module), null, down));
                tensors.put(
                        PREFIX + LowRankAdapter.up(module),
                        new Stored(LowRankAdapter.up(module), null, List.of(up[0], up[1])));
                continue;
            }
            int dot = module.lastIndexOf('.');
            for (int expert = 0; expert < up[0]; expert++) {
                String one = module.substring(0, dot) + "." + expert + module.substring(dot);
                tensors.put(PREFIX + LowRankAdapter.down(one), new Stored(LowRankAdapter.down(module), expert, down));
                tensors.put(
                        PREFIX + LowRankAdapter.up(one),
                        new Stored(LowRankAdapter.up(module), expert, List.of(up[1], up[2])));
            }
        }
        return tensors;
    }

    /** Overwrites the adapter's parameters with the stored ones. */
    public void load(Parameters parameters) {
        LowRankAdapter adapter = Objects.requireNonNull(parameters.selection().adapter());
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve(WEIGHTS_FILE));
                Scope scope = Scope.open()) {
            stored(adapter)
                    .forEach((name, stored) -> stored.of(parameters.adapter()).copyInPlace(file.read(name)));
        }
    }

    /**
     * Writes the adapter of some parameters.
     *
     * @param base the folder of the model that it is beside
     */
    public static void write(Path folder, ModelConfig model, String base, Parameters parameters) {
        LowRankAdapter adapter = Objects.requireNonNull(parameters.selection().adapter());
        try (Scope scope = Scope.open()) {
            Files.createDirectories(folder);
            SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
            stored(adapter).forEach((name, stored) -> tensors.put(name, stored.of(parameters.adapter())));
            SafetensorsFile.write(folder.resolve(WEIGHTS_FILE), tensors);
            Path file = folder.resolve(CONFIG_FILE);
            Path part = file.resolveSibling(file.getFileName() + ".part");
            Files.write(part, configuration(model, adapter, base).getBytes(StandardCharsets.UTF_8));
            SafetensorsFile.move(part, file);
        } catch (IOException e) {
            throw new UncheckedIOException("the adapter's folder must be writable, got: " + folder, e);
        }
    }

    private static String configuration(ModelConfig model, LowRankAdapter adapter, String base) {
        JsonMapper mapper =
                JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
        ObjectNode json = mapper.createObjectNode();
        json.put("peft_type", "LORA");
        json.put("task_type", "CAUSAL_LM");
        json.put("base_model_name_or_path", base);
        json.put("r", adapter.rank());
        if (adapter.alpha() == Math.rint(adapter.alpha())) {
            json.put("lora_alpha", Math.round(adapter.alpha()));
        } else {
            json.put("lora_alpha", adapter.alpha());
        }
        json.put("lora_dropout", 0.0);
        ArrayNode targets = json.putArray("target_modules");
        targets(model, adapter).forEach(targets::add);
        json.put("bias", "none");
        json.put("fan_in_fan_out", false);
        json.put("use_rslora", adapter.variant() == LowRankAdapter.Variant.RSLORA);
        json.put("use_dora", false);
        json.put("init_lora_weights", true);
        json.put("inference_mode", true);
        return mapper.writeValueAsString(json) + "\n";
    }

    /** Names as PEFT looks for them: the end of a name where all maps with that end are adapted, else whole names. */
    private static List<String> targets(ModelConfig model, LowRankAdapter adapter) {
        SequencedSet<String> targets = new LinkedHashSet<>();
        List<String> linear = LowRankAdapter.linearMaps(model);
        for (String module : adapter.modules()) {
            String end = module.substring(module.lastIndexOf('.') + 1);
            boolean all = linear.stream()
                    .filter(name -> name.equals(end) || name.endsWith("." + end))
                    .allMatch(adapter.modules()::contains);
            if (all) {
                targets.add(end);
            } else {
                targets.addAll(modules(module, adapter));
            }
        }
        return new ArrayList<>(targets);
    }

    private static List<String> modules(String module, LowRankAdapter adapter) {
        long[] up = Objects.requireNonNull(adapter.storedShapes().get(LowRankAdapter.up(module)));
        if (up.length == 2) {
            return List.of(module);
        }
        int dot = module.lastIndexOf('.');
        List<String> modules = new ArrayList<>();
        for (int expert = 0; expert < up[0]; expert++) {
            modules.add(module.substring(0, dot) + "." + expert + module.substring(dot));
        }
        return modules;
    }
}

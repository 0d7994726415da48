package org.minpro.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

class HuggingFaceFolderTest {
    static final List<String> NAMES = ReferenceModel.NAMES;

    @TempDir
    Path folder;

    private static Path fixture(String name) {
        return ReferenceModel.of(name).folder();
    }

    /** All tensors of a folder, as stored. */
    private static Map<String, byte[]> storedBytes(Path folder) throws IOException {
        Map<String, byte[]> stored = new TreeMap<>();
        try (var files = Files.list(folder)) {
            for (Path path : files.filter(f -> f.getFileName().toString().startsWith("model"))
                    .filter(f -> f.toString().endsWith(".safetensors"))
                    .toList()) {
                try (Scope scope = Scope.open();
                        SafetensorsFile file = SafetensorsFile.open(path)) {
                    file.header()
                            .tensors()
                            .forEach((name, entry) -> stored.put(
                                    name + " " + entry.dtype() + " " + entry.shape(),
                                    file.read(name).bytes()));
                }
            }
        }
        return stored;
    }

    private static void assertSameTensors(Path actual, Path expected) throws IOException {
        Map<String, byte[]> tensors = storedBytes(actual);
        Map<String, byte[]> wanted = storedBytes(expected);
        assertThat(tensors.keySet()).isEqualTo(wanted.keySet());
        wanted.forEach((name, bytes) -> assertThat(tensors.get(name)).as(name).isEqualTo(bytes));
    }

    /** Every family, tied or not: the same model with a head that is its own. */
    @ParameterizedTest
    @FieldSource("NAMES")
    void aServedFolderIsTheSameModelWithAHeadOfItsOwn(String name) {
        HuggingFaceReader source = HuggingFaceReader.open(fixture(name));
        SequencedMap<String, Tensor> parameters = source.load(Device.CPU, DType.F32);
        try {
            HuggingFaceWriter.writeUntied(source, folder, parameters, DType.F32);
            HuggingFaceReader written = HuggingFaceReader.open(folder);
            assertThat(written.config().tieWordEmbeddings()).isFalse();
            assertThat(written.isStoredIn(DType.F32)).isTrue();
            SequencedMap<String, Tensor> read = written.load(Device.CPU, DType.F32);
            try {
                parameters.forEach((parameter, tensor) -> assertThat(
                                Objects.requireNonNull(read.get(parameter)).bytes())
                        .as(parameter)
                        .isEqualTo(tensor.bytes()));
                assertThat(Objects.requireNonNull(read.get(StoredWeights.HEAD)).bytes())
                        .isEqualTo(Objects.requireNonNull(parameters.get(
                                        source.config().tieWordEmbeddings()
                                                ? StoredWeights.EMBEDDING
                                                : StoredWeights.HEAD))
                                .bytes());
            } finally {
                read.values().forEach(Tensor::close);
            }
        } finally {
            parameters.values().forEach(Tensor::close);
        }
    }

    @ParameterizedTest
    @FieldSource("NAMES")
    void loadAndSaveUnchangedGivesTheSameTensors(String name) throws Exception {
        HuggingFaceReader source = HuggingFaceReader.open(fixture(name));
        SequencedMap<String, Tensor> parameters = source.load(Device.CPU, DType.F32);
        try {
            assertThat(parameters.sequencedKeySet())
                    .containsExactlyElementsOf(source.config().parameterShapes().keySet());
            HuggingFaceWriter.writeLike(source, folder, parameters);
        } finally {
            parameters.values().forEach(Tensor::close);
        }
        assertSameTensors(folder, fixture(name));
        assertThat(Files.mismatch(folder.resolve("config.json"), fixture(name).resolve("config.json")))
                .isEqualTo(-1);
        assertThat(Files.exists(folder.resolve("generation_config.json"))).isTrue();
        assertThat(HuggingFaceReader.open(folder).config()).isEqualTo(source.config());
    }

    @ParameterizedTest
    @FieldSource("NAMES")
    void aModelWrittenFromItsParametersReadsBack(String name) throws Exception {
        HuggingFaceReader source = HuggingFaceReader.open(fixture(name));
        try (Scope scope = Scope.open();
                Parameters parameters = Parameters.zeros(source.config(), Device.CPU, DType.F32)) {
            source.load(parameters.named());
            HuggingFaceWriter.write(folder, source.config(), parameters.named());
            HuggingFaceReader written = HuggingFaceReader.open(folder);
            assertThat(written.config()).isEqualTo(source.config());
            SequencedMap<String, Tensor> read = written.load(Device.CPU, DType.F32);
            parameters.named().forEach((parameter, tensor) -> {
                Tensor other = Objects.requireNonNull(read.get(parameter));
                assertThat(other.bytes()).as(parameter).isEqualTo(tensor.bytes());
                other.close();
            });
        }
    }

    @Test
    void expertsAreWrittenOneByOne() throws Exception {
        HuggingFaceReader source = HuggingFaceReader.open(fixture("qwen3-moe"));
        try (Scope scope = Scope.open();
                Parameters parameters = Parameters.zeros(source.config(), Device.CPU, DType.F32)) {
            source.load(parameters.named());
            HuggingFaceWriter.write(folder, source.config(), parameters.named());
        }
        assertSameTensors(folder, fixture("qwen3-moe"));
    }

    @Test
    void weightsAreConvertedToTheDtypeAskedFor() {
        HuggingFaceReader source = HuggingFaceReader.open(fixture("llama-linear-scaling"));
        assertThat(source.config().storedDType()).isEqualTo(DType.F16);
        SequencedMap<String, Tensor> parameters = source.load(Device.CPU, DType.BF16);
        parameters.values().forEach(tensor -> {
            assertThat(tensor.type()).isEqualTo(DType.BF16);
            tensor.close();
        });
        assertThatThrownBy(() -> source.load(Device.CPU, DType.I64)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void savingIntoItsOwnFolderKeepsIt() throws Exception {
        copy("qwen3");
        HuggingFaceReader source = HuggingFaceReader.open(folder);
        SequencedMap<String, Tensor> parameters = source.load(Device.CPU, DType.F32);
        HuggingFaceWriter.writeLike(source, folder, parameters);
        parameters.values().forEach(Tensor::close);
        assertSameTensors(folder, fixture("qwen3"));
    }

    @Test
    void refusesParametersOfAnotherModel() {
        HuggingFaceReader source = HuggingFaceReader.open(fixture("qwen3"));
        try (Parameters other = Parameters.zeros(TinyModels.dense(), Device.CPU, DType.F32)) {
            assertThatThrownBy(() -> HuggingFaceWriter.writeLike(source, folder, other.named()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("parameter model.embed_tokens.weight must have the shape [96, 32]");
        }
    }

    // ---- leftovers of real checkpoints ----------------------------------------------------------------------------

    private void copy(String name) throws IOException {
        try (var files = Files.list(fixture(name))) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
    }

    /** A copy of a fixture of one file with its tensors changed. */
    private void change(String name, Consumer<SequencedMap<String, Tensor>> change) throws IOException {
        copy(name);
        Path path = folder.resolve("model.safetensors");
        try (Scope scope = Scope.open()) {
            SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
            try (SafetensorsFile file = SafetensorsFile.open(path)) {
                file.header().tensors().keySet().forEach(tensor -> tensors.put(tensor, file.read(tensor)));
            }
            change.accept(tensors);
            SafetensorsFile.write(path, tensors);
        }
    }

    private double[] logProbs(String name) {
        HuggingFaceReader files = HuggingFaceReader.open(folder);
        try (Parameters parameters = Parameters.zeros(files.config(), Device.CPU, DType.F32)) {
            files.load(parameters.named());
            try (Transformer model = new Transformer(files.config(), parameters)) {
                return ReferenceModelsTest.logProbs(
                        model, ReferenceModel.of(name).sequence(1));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void ofATiedPairEitherOrBothMayBeStored(boolean both) throws Exception {
        change("qwen2-tied", tensors -> {
            tensors.put("lm_head.weight", Objects.requireNonNull(tensors.get("model.embed_tokens.weight")));
            if (!both) {
                tensors.remove("model.embed_tokens.weight");
            }
        });
        double[] expected = ReferenceModel.of("qwen2-tied").logProbs(1);
        assertThat(logProbs("qwen2-tied")).hasSameSizeAs(expected);
        assertThat(logProbs("qwen2-tied")[50]).isCloseTo(expected[50], within(1e-4));
        HuggingFaceReader source = HuggingFaceReader.open(folder);
        SequencedMap<String, Tensor> parameters = source.load(Device.CPU, DType.F32);
        Path saved = folder.resolve("saved");
        HuggingFaceWriter.writeLike(source, saved, parameters);
        parameters.values().forEach(Tensor::close);
        assertSameTensors(saved, folder);
    }

    @Test
    void bufferLeftoversPass() throws Exception {
        change("llama-gqa", tensors -> {
            tensors.put("model.layers.0.self_attn.rotary_emb.inv_freq", Tensor.ones(Device.CPU, DType.F32, 4));
            tensors.put("model.rotary_emb.inv_freq", Tensor.ones(Device.CPU, DType.F32, 4));
        });
        assertThat(logProbs("llama-gqa")).hasSize(127);
    }

    @Test
    void theDtypeIsTheFilesWhereTheConfigurationDoesNotSay() throws Exception {
        copy("qwen2-tied");
        replaceInConfig("\"torch_dtype\": \"bfloat16\",", "");
        assertThat(HuggingFaceReader.open(folder).config().storedDType()).isEqualTo(DType.BF16);
    }

    @Test
    void generationDefaultsAreRead() throws Exception {
        copy("qwen3");
        Files.writeString(
                folder.resolve("generation_config.json"),
                "{\"do_sample\":true,\"temperature\":0.6,\"top_k\":20,\"top_p\":0.95,\"eos_token_id\":[3,4]}");
        HuggingFaceReader files = HuggingFaceReader.open(folder);
        assertThat(files.generationDefaults()).isEqualTo(new GenerationDefaults(true, 0.6, 20, 0.95, null));
        assertThat(files.config().eosIds()).containsExactly(3, 4);
    }

    // ---- refusals -------------------------------------------------------------------------------------------------

    private void replaceInConfig(String old, String replacement) throws IOException {
        Path config = folder.resolve("config.json");
        String text = Files.readString(config);
        assertThat(text).contains(old);
        Files.writeString(config, text.replace(old, replacement));
    }

    private void refused(String message) {
        assertThatThrownBy(() -> HuggingFaceReader.open(folder))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining(folder.toString())
                .hasMessageContaining(message)
                .hasMessageNotContaining("\n");
    }

    @Test
    void refusesAMissingTensor() throws Exception {
        change("llama-gqa", tensors -> tensors.remove("model.layers.1.self_attn.k_proj.weight"));
        refused(
                "weights must hold every tensor that config.json asks for, got: no model.layers.1.self_attn.k_proj.weight");
    }

    @Test
    void refusesAMissingExpert() throws Exception {
        change("qwen3-moe", tensors -> tensors.remove("model.layers.1.mlp.experts.5.up_proj.weight"));
        refused("got: no model.layers.1.mlp.experts.5.up_proj.weight");
    }

    @Test
    void refusesAMissingHead() throws Exception {
        change("llama-gqa", tensors -> tensors.remove("lm_head.weight"));
        refused("got: no lm_head.weight");
    }

    @Test
    void refusesAnExtraTensor() throws Exception {
        change(
                "llama-gqa",
                tensors -> tensors.put("model.layers.0.self_attn.q_proj.bias", Tensor.ones(Device.CPU, DType.F32, 32)));
        refused(
                "tensor model.layers.0.self_attn.q_proj.bias must be one that config.json asks for, got: an extra one of "
                        + "shape [32]");
    }

    @Test
    void refusesLayersThatTheConfigurationDoesNotHave() throws Exception {
        copy("llama-gqa");
        replaceInConfig("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1");
        refused(
                "tensor model.layers.1.input_layernorm.weight must be one that config.json asks for, got: an extra one of "
                        + "shape [32] (and 8 others)");
    }

    @Test
    void refusesAWrongShape() throws Exception {
        copy("llama-gqa");
        replaceInConfig("\"vocab_size\": 97", "\"vocab_size\": 98");
        refused(
                "tensor model.embed_tokens.weight must have the shape [98, 32] that config.json asks for, got: [97, 32]");
    }

    @Test
    void refusesASizeThatNoFileHasWithoutAllocatingIt() throws Exception {
        copy("llama-gqa");
        replaceInConfig("\"hidden_size\": 32", "\"hidden_size\": 1048576");
        replaceInConfig("\"vocab_size\": 97", "\"vocab_size\": 16777216");
        long before = Runtime.getRuntime().totalMemory();
        refused("config.json asks for, got: [97, 32]");
        assertThat(Runtime.getRuntime().totalMemory() - before).isLessThan(256L << 20);
    }

    @Test
    void refusesWeightsThatAreNoFloats() throws Exception {
        change("llama-gqa", tensors -> tensors.put("model.norm.weight", Tensor.ones(Device.CPU, DType.I32, 32)));
        refused("tensor model.norm.weight must be F32, F16 or BF16, got: I32");
    }

    @Test
    void refusesATiedPairThatDiffers() throws Exception {
        change("qwen2-tied", tensors -> tensors.put("lm_head.weight", Tensor.ones(Device.CPU, DType.BF16, 90, 32)));
        refused("tensor lm_head.weight must equal model.embed_tokens.weight where tie_word_embeddings is true");
    }

    @Test
    void refusesATruncatedShard() throws Exception {
        copy("qwen2-shards");
        Path shard = folder.resolve("model-00002-of-00002.safetensors");
        byte[] bytes = Files.readAllBytes(shard);
        Files.write(shard, Arrays.copyOf(bytes, bytes.length - 1));
        refused("model-00002-of-00002.safetensors: tensor ");
        refused("the file is truncated");
    }

    @Test
    void refusesAMissingShard() throws Exception {
        copy("qwen2-shards");
        Files.delete(folder.resolve("model-00002-of-00002.safetensors"));
        refused("model-00002-of-00002.safetensors: file not found");
    }

    @Test
    void refusesATensorInTwoShards() throws Exception {
        copy("qwen2-shards");
        try (Scope scope = Scope.open()) {
            Path shard = folder.resolve("model-00002-of-00002.safetensors");
            SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
            try (SafetensorsFile one = SafetensorsFile.open(folder.resolve("model-00001-of-00002.safetensors"));
                    SafetensorsFile two = SafetensorsFile.open(shard)) {
                two.header().tensors().keySet().forEach(name -> tensors.put(name, two.read(name)));
                String first = one.header().tensors().firstEntry().getKey();
                tensors.put(first, one.read(first));
            }
            SafetensorsFile.write(shard, tensors);
        }
        refused("must be stored once, got: also in model-00001-of-00002.safetensors");
    }

    @Test
    void refusesAnIndexThatPointsElsewhere() throws Exception {
        copy("qwen2-shards");
        Path index = folder.resolve("model.safetensors.index.json");
        String text = Files.readString(index);
        for (String file : List.of("../x.safetensors", "/etc/x.safetensors", "model.bin", "a\\\\b.safetensors")) {
            Files.writeString(index, text.replace("model-00001-of-00002.safetensors", file));
            refused("must be the name of a .safetensors file in this folder, got: \"" + file + "\"");
        }
        Files.writeString(index, text.replaceFirst("model-00001-of-00002", "model-00002-of-00002"));
        refused("must be a file that holds this tensor");
        Files.writeString(index, "{}");
        refused("weight_map must be an object, got: nothing");
    }

    @Test
    void refusesAFolderWithoutSafetensors() throws Exception {
        copy("llama-gqa");
        Files.delete(folder.resolve("model.safetensors"));
        refused("must hold model.safetensors or model.safetensors.index.json, got: neither");
        Files.writeString(folder.resolve("pytorch_model.bin"), "");
        refused("pytorch_model.bin is not read");
    }

    @Test
    void aHubNameSaysWhichFilesAreNeededAndHowToGetThem() {
        assertThatThrownBy(() -> HuggingFaceReader.open("Qwen/Qwen3-0.6B"))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("config.json, model.safetensors")
                .hasMessageContaining("tokenizer.json")
                .hasMessageContaining("hf download Qwen/Qwen3-0.6B --local-dir Qwen3-0.6B")
                .hasMessageNotContaining("\n");
        assertThatThrownBy(() -> HuggingFaceReader.open(folder.resolve("none").toString()))
                .hasMessageContaining("got: no such folder")
                .hasMessageNotContaining("hf download");
        assertThatThrownBy(() -> HuggingFaceReader.open("")).hasMessageContaining("got: an empty name");
    }

    @Test
    void aFileIsNoFolder() throws Exception {
        Path file = Files.writeString(folder.resolve("model.gguf"), "x");
        assertThatThrownBy(() -> HuggingFaceReader.open(file))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("got: a file");
    }
}

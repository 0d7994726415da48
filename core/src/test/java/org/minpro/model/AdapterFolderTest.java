package org.minpro.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;

class AdapterFolderTest {
    private static final ModelConfig DENSE = TinyModels.dense();

    @TempDir
    Path folder;

    private static Parameters parameters(ModelConfig config, LowRankAdapter adapter) {
        return Parameters.zeros(config, ParameterSelection.of(config, adapter), Device.CPU, DType.F32, DType.F32);
    }

    private LowRankAdapter write(ModelConfig config, String... targets) {
        LowRankAdapter adapter = LowRankAdapter.of(config, 3, 4.5, LowRankAdapter.Variant.RSLORA, List.of(targets));
        try (Parameters parameters = parameters(config, adapter)) {
            parameters.initialiseAdapter(3);
            parameters.adapter().forEach((name, tensor) -> tensor.addInPlace(name.hashCode() % 100 / 1000.0));
            AdapterFolder.write(folder, config, "/models/base", parameters);
        }
        return adapter;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatIsWrittenIsReadAgain(boolean experts) {
        ModelConfig config = experts ? TinyModels.experts() : DENSE;
        LowRankAdapter written = write(config, "q_proj", "v_proj", "up_proj", "layers.1.self_attn.o_proj");
        AdapterFolder read = AdapterFolder.open(folder);
        LowRankAdapter adapter = read.adapter(config);
        assertThat(read.base()).isEqualTo("/models/base");
        assertThat(adapter.modules()).isEqualTo(written.modules());
        assertThat(adapter.scale()).isEqualTo(4.5 / Math.sqrt(3));
        try (Parameters parameters = parameters(config, adapter)) {
            read.load(parameters);
            Path again = folder.resolve("again");
            AdapterFolder.write(again, config, "/models/base", parameters);
            for (String file : List.of("adapter_model.safetensors", "adapter_config.json")) {
                assertThat(again.resolve(file)).hasSameBinaryContentAs(folder.resolve(file));
            }
        }
    }

    @Test
    void namesAreThoseOfPeft() throws IOException {
        write(TinyModels.experts(), "v_proj", "layers.0.mlp.experts.up_proj");
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("adapter_model.safetensors"))) {
            assertThat(file.header().tensors().keySet())
                    .contains(
                            "base_model.model.model.layers.0.self_attn.v_proj.lora_A.weight",
                            "base_model.model.model.layers.0.mlp.experts.5.up_proj.lora_B.weight")
                    .hasSize(2 * (2 + 6));
            assertThat(Objects.requireNonNull(file.header()
                                    .tensors()
                                    .get("base_model.model.model.layers.0.mlp.experts.5.up_proj.lora_B.weight"))
                            .shape())
                    .containsExactly(24L, 3L);
        }
        assertThat(Files.readString(folder.resolve("adapter_config.json")))
                .contains("\"v_proj\"", "\"model.layers.0.mlp.experts.0.up_proj\"", "\"lora_alpha\" : 4.5")
                .contains("\"use_rslora\" : true", "\"peft_type\" : \"LORA\"");
    }

    private void change(String old, String replacement) throws IOException {
        Path config = folder.resolve("adapter_config.json");
        String text = Files.readString(config);
        assertThat(text).contains(old);
        Files.writeString(config, text.replace(old, replacement));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"LORA\" | \"IA3\" | peft_type must be LORA, got: \"IA3\"",
                "\"use_dora\" : false | \"use_dora\" : true | use_dora must be left out, null or false, since nothing here computes it",
                "\"bias\" : \"none\" | \"bias\" : \"all\" | bias must be none",
                "\"bias\" : \"none\" | \"rank_pattern\" : {\"q_proj\": 8} | rank_pattern must be left out",
                "\"bias\" : \"none\" | \"modules_to_save\" : [\"lm_head\"] | modules_to_save must be left out",
                "\"init_lora_weights\" : true | \"init_lora_weights\" : \"pissa\" | init_lora_weights must be true, false or one of"
                        + " [eva, gaussian, orthogonal], which leave the weights of the model as they are",
                "\"bias\" : \"none\" | \"something_new\" : 7 | something_new must be left out",
            })
    void whatIsNotComputedIsRefusedByName(String old, String replacement, String message) throws IOException {
        write(DENSE, "q_proj");
        change(old, replacement);
        assertThatThrownBy(() -> AdapterFolder.open(folder))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("adapter_config.json")
                .hasMessageContaining(message);
    }

    @Test
    void whatSaysNothingIsPassedOver() throws IOException {
        write(DENSE, "q_proj");
        change(
                "\"bias\" : \"none\"",
                "\"bias\": \"none\", \"rank_pattern\": {}, \"layers_to_transform\": null, \"peft_version\": \"0.18.0\","
                        + " \"lora_bias\": false, \"loftq_config\": {}, \"modules_to_save\": null");
        assertThat(AdapterFolder.open(folder).adapter(DENSE).modules()).hasSize(2);
    }

    @Test
    void anAdapterOfAnotherModelIsRefused() throws IOException {
        write(TinyModels.experts(), "o_proj", "experts.up_proj");
        assertThatThrownBy(() -> AdapterFolder.open(folder).adapter(DENSE))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("its maps must be those of the model, got: model.layers.0.mlp.experts.up_proj")
                .hasMessageContaining("the adapter was made for /models/base");
        write(TinyModels.heads(8, 2, 16), "q_proj");
        assertThatThrownBy(() -> AdapterFolder.open(folder).adapter(DENSE))
                .hasMessageContaining(
                        "tensor base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight must have the"
                                + " shape [64, 3] beside this model, got: [128, 3]");
        change("\"r\" : 3", "\"r\" : 4");
        assertThatThrownBy(() -> AdapterFolder.open(folder).adapter(TinyModels.heads(8, 2, 16)))
                .hasMessageContaining("must have the shape [4, 32]");
    }

    @Test
    void aFolderWithoutAnAdapterIsRefused() {
        assertThatThrownBy(() -> AdapterFolder.open(folder.resolve("none")))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining(
                        "adapter must be a folder with adapter_config.json and adapter_model.safetensors");
        assertThatThrownBy(() -> AdapterFolder.open(folder)).hasMessageContaining("file not found");
    }
}

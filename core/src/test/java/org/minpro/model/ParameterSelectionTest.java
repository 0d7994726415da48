package org.minpro.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;

class ParameterSelectionTest {
    private static final ModelConfig DENSE = TinyModels.dense();

    @Test
    void aStarTrainsEverything() {
        ParameterSelection selection = ParameterSelection.of(DENSE, List.of("*"));
        assertThat(selection.isWhole()).isTrue();
        assertThat(selection.count()).isEqualTo(DENSE.parameterCount());
        assertThat(selection.lowestLayer()).isZero();
    }

    @Test
    void aSelectionIsWhatAnyPatternMatches() {
        ParameterSelection selection = ParameterSelection.of(DENSE, List.of("model.layers.1.mlp.*", "*norm.weight"));
        try (Parameters parameters = Parameters.zeros(DENSE, selection, Device.CPU, DType.F32, DType.BF16)) {
            assertThat(parameters.trainable().keySet())
                    .containsExactly(
                            "model.layers.0.input_layernorm.weight",
                            "model.layers.0.post_attention_layernorm.weight",
                            "model.layers.1.input_layernorm.weight",
                            "model.layers.1.post_attention_layernorm.weight",
                            "model.layers.1.mlp.gate_up_proj.weight",
                            "model.layers.1.mlp.down_proj.weight",
                            "model.norm.weight");
            assertThat(parameters.trainableNamed().keySet())
                    .contains("model.layers.1.mlp.gate_proj.weight", "model.layers.1.mlp.up_proj.weight")
                    .hasSize(8);
            assertThat(selection.isWhole()).isFalse();
            assertThat(selection.count()).isEqualTo(5 * 32 + 3 * 32 * 48);
            parameters
                    .stored()
                    .forEach((name, tensor) -> assertThat(tensor.type())
                            .as(name)
                            .isEqualTo(parameters.trainable().containsKey(name) ? DType.F32 : DType.BF16));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "*, 0",
        "model.embed_tokens.weight, 0",
        "*.self_attn.*, 0",
        "model.layers.1.*, 1",
        "model.norm.weight, 2",
    })
    void theLowestLayerIsWhereTheWayBackEnds(String pattern, int layer) {
        assertThat(ParameterSelection.of(DENSE, List.of(pattern)).lowestLayer()).isEqualTo(layer);
    }

    @ParameterizedTest
    @CsvSource({
        "model.layer.1.*, model.layers.1.input_layernorm.weight",
        "model.layers.1, model.norm.weight",
        "layers.1.mlp.down*, model.layers.1.mlp.down_proj.weight",
        "*.self_atn.o_proj.weight, model.layers.0.self_attn.o_proj.weight",
    })
    void aPatternThatMatchesNothingIsRefusedWithTheNearestName(String pattern, String nearest) {
        assertThatThrownBy(() -> ParameterSelection.of(DENSE, List.of("model.norm.weight", pattern)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("model.trainable must hold patterns that match a parameter's name, got: "
                        + pattern + ", which matches none; the nearest name is " + nearest);
    }

    @Test
    void theHeadOfATiedModelIsItsEmbedding() {
        assertThatThrownBy(() -> ParameterSelection.of(DENSE, List.of("lm_head.*")))
                .hasMessageContaining("the output head of this model is its embedding, model.embed_tokens.weight");
    }

    @Test
    void aTensorIsTrainedAsAWhole() {
        assertThatThrownBy(() -> ParameterSelection.of(DENSE, List.of("*.q_proj.*", "*.v_proj.*")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("model.trainable must match all of model.layers.0.self_attn.q_proj.weight,"
                        + " model.layers.0.self_attn.k_proj.weight, model.layers.0.self_attn.v_proj.weight or none, since"
                        + " they are stored as one tensor, got: model.layers.0.self_attn.q_proj.weight and"
                        + " model.layers.0.self_attn.v_proj.weight alone");
        assertThatThrownBy(() -> ParameterSelection.of(TinyModels.experts(), List.of("*.experts.up_proj.*")))
                .hasMessageContaining("model.layers.0.mlp.experts.gate_proj.weight");
    }

    @Test
    void somethingMustBeTrained() {
        assertThatThrownBy(() -> ParameterSelection.of(DENSE, List.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("model.trainable must match at least one parameter, got: no pattern");
    }
}

package org.minpro.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.minpro.model.Parameters;
import org.minpro.model.TinyModels;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

class BucketsTest {
    @Test
    void layersComeFromTheLastOneDownAndWhatThePassEndsWithComesLast() {
        try (Parameters parameters = Parameters.zeros(TinyModels.dense(), Device.CPU, DType.F32)) {
            Buckets buckets = new Buckets(parameters.trainable());
            assertThat(buckets.count()).isEqualTo(3);
            assertThat(buckets.names(0))
                    .contains("model.layers.1.self_attn.qkv_proj.weight", "model.layers.1.mlp.down_proj.weight")
                    .allMatch(name -> name.startsWith("model.layers.1.") && !name.endsWith("norm.weight"));
            assertThat(buckets.names(1)).allMatch(name -> name.startsWith("model.layers.0."));
            assertThat(buckets.names(2))
                    .contains(
                            "model.embed_tokens.weight", "model.norm.weight", "model.layers.1.input_layernorm.weight");
            assertThat(buckets.names(0).size()
                            + buckets.names(1).size()
                            + buckets.names(2).size())
                    .isEqualTo(parameters.trainable().size());
            assertThat(buckets.doneAfter(1)).isEqualTo(1);
            assertThat(buckets.doneAfter(0)).isEqualTo(2);
        }
    }

    @Test
    void aHeadOfItsOwnGoesWithTheLastLayerAndSmallLayersShareABucket() {
        try (Scope scope = Scope.open()) {
            SequencedMap<String, Tensor> parameters = new LinkedHashMap<>();
            parameters.put("model.embed_tokens.weight", Tensor.zeros(Device.CPU, DType.F32, 100));
            for (int layer = 0; layer < 12; layer++) {
                parameters.put(
                        "model.layers." + layer + ".mlp.down_proj.weight", Tensor.zeros(Device.CPU, DType.F32, 20));
            }
            parameters.put("lm_head.weight", Tensor.zeros(Device.CPU, DType.F32, 60));
            Buckets buckets = new Buckets(parameters);
            // A quarter of 400 elements is 100.
            assertThat(buckets.names(0))
                    .containsExactly(
                            "lm_head.weight",
                            "model.layers.11.mlp.down_proj.weight",
                            "model.layers.10.mlp.down_proj.weight");
            assertThat(buckets.names(1)).hasSize(5).contains("model.layers.5.mlp.down_proj.weight");
            assertThat(buckets.names(2)).hasSize(5).contains("model.layers.0.mlp.down_proj.weight");
            assertThat(buckets.names(3)).containsExactly("model.embed_tokens.weight");
            assertThat(buckets.doneAfter(11)).isZero();
            assertThat(buckets.doneAfter(10)).isEqualTo(1);
            assertThat(buckets.doneAfter(4)).isEqualTo(2);
            assertThat(buckets.doneAfter(0)).isEqualTo(3);
        }
    }
}

package org.minpro.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.minpro.model.ModelConfig.Architecture;
import org.minpro.model.ModelConfig.Moe;
import org.minpro.model.ModelConfig.RopeScaling;
import org.minpro.tensor.DType;

class ModelConfigTest {
    @TempDir
    Path folder;

    private ModelConfig read(String json) throws Exception {
        Files.writeString(folder.resolve("config.json"), json.replace('\'', '"'));
        return ModelConfig.read(folder);
    }

    @Test
    void absentKeysOfLlamaTakeItsDefaults() throws Exception {
        assertThat(read("{'model_type':'llama'}"))
                .isEqualTo(new ModelConfig(
                        Architecture.LLAMA,
                        32000,
                        4096,
                        32,
                        32,
                        32,
                        128,
                        11008,
                        1e-6,
                        10_000,
                        new RopeScaling.None(),
                        List.of(),
                        null,
                        2048,
                        false,
                        false,
                        false,
                        null,
                        DType.F32,
                        1,
                        List.of(2),
                        null));
    }

    @Test
    void absentKeysOfQwen2TakeItsDefaults() throws Exception {
        ModelConfig config = read("{'model_type':'qwen2'}");
        assertThat(config)
                .isEqualTo(new ModelConfig(
                        Architecture.QWEN2,
                        151936,
                        4096,
                        32,
                        32,
                        32,
                        128,
                        22016,
                        1e-6,
                        10_000,
                        new RopeScaling.None(),
                        List.of(),
                        null,
                        32768,
                        false,
                        true,
                        false,
                        null,
                        DType.F32,
                        null,
                        List.of(),
                        null));
        assertThat(config.attentionOutputBias()).isFalse();
        assertThat(config.queryKeyNorm()).isFalse();
    }

    @Test
    void absentKeysOfQwen3TakeItsDefaults() throws Exception {
        ModelConfig config = read("{'model_type':'qwen3','num_attention_heads':16,'num_key_value_heads':8}");
        // Not 4096 / 16: this type has a default of its own.
        assertThat(config.headDim()).isEqualTo(128);
        assertThat(config.attentionBias()).isFalse();
        assertThat(config.queryKeyNorm()).isTrue();
        assertThat(config.intermediateSize()).isEqualTo(22016);
    }

    @Test
    void absentKeysOfQwen3MoeTakeItsDefaults() throws Exception {
        ModelConfig config = read("{'model_type':'qwen3_moe'}");
        assertThat(config.hiddenSize()).isEqualTo(2048);
        assertThat(config.layers()).isEqualTo(24);
        assertThat(config.keyValueHeads()).isEqualTo(4);
        assertThat(config.headDim()).isEqualTo(64);
        assertThat(config.intermediateSize()).isEqualTo(6144);
        assertThat(config.queryKeyNorm()).isTrue();
        assertThat(config.moe()).isEqualTo(new Moe(128, 8, 768, false, 1, List.of()));
    }

    @Test
    void nullsOfKeyValueHeadsAndHeadDimMeanDerived() throws Exception {
        ModelConfig config = read("{'model_type':'qwen3','hidden_size':64,'num_attention_heads':4,"
                + "'num_key_value_heads':null,'head_dim':null}");
        assertThat(config.keyValueHeads()).isEqualTo(4);
        assertThat(config.headDim()).isEqualTo(16);
    }

    @Test
    void bothGenerationsOfNamesSayTheSame() throws Exception {
        ModelConfig old = read("{'model_type':'llama','rope_theta':500000.0,'torch_dtype':'bfloat16',"
                + "'rope_scaling':{'rope_type':'llama3','factor':32.0,'low_freq_factor':1.0,'high_freq_factor':4.0,"
                + "'original_max_position_embeddings':8192}}");
        ModelConfig current = read("{'model_type':'llama','dtype':'bfloat16',"
                + "'rope_parameters':{'rope_theta':500000.0,'rope_type':'llama3','factor':32.0,'low_freq_factor':1.0,"
                + "'high_freq_factor':4.0,'original_max_position_embeddings':8192}}");
        assertThat(current).isEqualTo(old);
        assertThat(old.ropeTheta()).isEqualTo(500_000);
        assertThat(old.ropeScaling()).isEqualTo(new RopeScaling.Llama3(32, 1, 4, 8192));
        assertThat(old.storedDType()).isEqualTo(DType.BF16);
    }

    @Test
    void linearScalingIsReadUnderItsOldName() throws Exception {
        assertThat(read("{'model_type':'llama','rope_scaling':{'type':'linear','factor':4}}")
                        .ropeScaling())
                .isEqualTo(new RopeScaling.Linear(4));
    }

    @Test
    void absentKeysOfSmolLm3TakeItsDefaults() throws Exception {
        ModelConfig config = read("{'model_type':'smollm3'}");
        assertThat(config.layers()).isEqualTo(36);
        assertThat(config.keyValueHeads()).isEqualTo(4);
        assertThat(config.headDim()).isEqualTo(128);
        assertThat(config.ropeTheta()).isEqualTo(2e6);
        assertThat(config.tieWordEmbeddings()).isTrue();
        assertThat(config.eosIds()).containsExactly(128001);
        assertThat(config.padId()).isEqualTo(128004);
        assertThat(config.layersWithoutRotation()).containsExactly(3, 7, 11, 15, 19, 23, 27, 31, 35);
        assertThat(config.queryKeyNorm()).isFalse();
    }

    @Test
    void layersWithoutRotationAreListedOrEveryFewth() throws Exception {
        String small = "{'model_type':'smollm3','num_hidden_layers':5,";
        assertThat(read(small + "'no_rope_layers':[1,0,1,1,0]}").layersWithoutRotation())
                .containsExactly(1, 4);
        assertThat(read(small + "'no_rope_layers':null,'no_rope_layer_interval':2}")
                        .layersWithoutRotation())
                .containsExactly(1, 3);
        // As transformers has it, a list may be longer than the model is deep.
        assertThat(read(small + "'no_rope_layers':[0,1,1,1,1,0]}").layersWithoutRotation())
                .containsExactly(0);
        for (String list : List.of("[1,0]", "[1,1,1,1,2]")) {
            assertThatThrownBy(() -> read(small + "'no_rope_layers':" + list + "}"))
                    .hasMessageContaining("no_rope_layers must be a list of num_hidden_layers (5) numbers");
        }
        assertThatThrownBy(() -> read(small + "'no_rope_layer_interval':0}"))
                .hasMessageContaining("no_rope_layer_interval must be positive, got: 0");
        assertThatThrownBy(() -> read(small + "'use_sliding_window':true}"))
                .hasMessageContaining("use_sliding_window must be false");
        assertThatThrownBy(() -> read("{'model_type':'llama','no_rope_layers':[1]}"))
                .hasMessageContaining("no_rope_layers must be absent");
    }

    @Test
    void mistralIsReadWithoutAWindowThatHidesAnything() throws Exception {
        ModelConfig open = read("{'model_type':'mistral','sliding_window':null}");
        assertThat(open.slidingWindow()).isNull();
        assertThat(open.keyValueHeads()).isEqualTo(8);
        assertThat(open.intermediateSize()).isEqualTo(14336);
        assertThat(open.maxPositions()).isEqualTo(131072);
        assertThat(read("{'model_type':'mistral','sliding_window':32768,'max_position_embeddings':32768}")
                        .slidingWindow())
                .isEqualTo(32768);
        assertThatThrownBy(() -> read("{'model_type':'mistral','sliding_window':4096,'max_position_embeddings':32768}"))
                .hasMessageEndingWith(
                        "sliding_window must be null or at least max_position_embeddings (32768), got: 4096;"
                                + " sliding-window attention is not supported");
        // transformers takes 4,096 where the file does not say.
        assertThatThrownBy(() -> read("{'model_type':'mistral'}"))
                .hasMessageContaining("(131072), got: nothing, which means 4096;");
    }

    @Test
    void yarnIsReadUnderBothSpellings() throws Exception {
        RopeScaling expected = new RopeScaling.Yarn(4, 32768, 32, 1, 0.1 * Math.log(4) + 1, true);
        for (String type : List.of("llama", "qwen2", "qwen3", "qwen3_moe", "mistral", "smollm3")) {
            String start = "{'model_type':'" + type + "','max_position_embeddings':131072,"
                    + (type.equals("mistral") ? "'sliding_window':null," : "");
            assertThat(read(start + "'rope_theta':1e6,'rope_scaling':{'type':'yarn','factor':4.0,"
                                    + "'original_max_position_embeddings':32768}}")
                            .ropeScaling())
                    .as(type)
                    .isEqualTo(expected);
            ModelConfig current = read(start + "'rope_parameters':{'rope_theta':1e6,'rope_type':'yarn','factor':4.0,"
                    + "'original_max_position_embeddings':32768,'beta_fast':null,'finetuned':true}}");
            assertThat(current.ropeScaling()).as(type).isEqualTo(expected);
            assertThat(current.ropeTheta()).isEqualTo(1e6);
        }
    }

    @Test
    void yarnsAttentionFactorIsGivenOrOfItsScales() throws Exception {
        String start = "{'model_type':'llama','max_position_embeddings':1024,'rope_scaling':{'rope_type':'yarn',";
        assertThat(read(start + "'factor':8,'attention_factor':1.5,'truncate':false}}")
                        .ropeScaling())
                .isEqualTo(new RopeScaling.Yarn(8, 1024, 32, 1, 1.5, false));
        assertThat(read(start + "'factor':8,'mscale':2,'mscale_all_dim':0.5}}").ropeScaling())
                .isEqualTo(
                        new RopeScaling.Yarn(8, 1024, 32, 1, (0.2 * Math.log(8) + 1) / (0.05 * Math.log(8) + 1), true));
        // One of the two alone says nothing.
        assertThat(read(start + "'factor':8,'mscale':2}}").ropeScaling())
                .isEqualTo(new RopeScaling.Yarn(8, 1024, 32, 1, 0.1 * Math.log(8) + 1, true));
        // The factor is the ratio of the lengths where it is not given.
        assertThat(read(start + "'original_max_position_embeddings':256}}").ropeScaling())
                .isEqualTo(new RopeScaling.Yarn(4, 256, 32, 1, 0.1 * Math.log(4) + 1, true));
    }

    @Test
    void llama3ScalingWithoutAnOriginalLengthTakesTheMaximum() throws Exception {
        assertThat(read("{'model_type':'llama','max_position_embeddings':512,'rope_scaling':{'rope_type':'llama3',"
                                + "'factor':8,'low_freq_factor':1,'high_freq_factor':4}}")
                        .ropeScaling())
                .isEqualTo(new RopeScaling.Llama3(8, 1, 4, 512));
    }

    @Test
    void bothNamesOfTheNumberOfExpertsAreRead() throws Exception {
        for (String key : List.of("num_experts", "num_local_experts")) {
            assertThat(read("{'model_type':'qwen3_moe','" + key + "':16}").moe())
                    .isEqualTo(new Moe(16, 8, 768, false, 1, List.of()));
        }
    }

    @Test
    void sparseLayersAreEveryStepButForTheDenseOnes() {
        Moe moe = new Moe(4, 2, 8, true, 2, List.of(3));
        assertThat(List.of(moe.isSparse(0), moe.isSparse(1), moe.isSparse(2), moe.isSparse(3), moe.isSparse(5)))
                .containsExactly(false, true, false, false, true);
    }

    @Test
    void generationConfigGivesTheStopIds() throws Exception {
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\":[7,9],\"pad_token_id\":3}");
        ModelConfig config = read("{'model_type':'llama','eos_token_id':2,'bos_token_id':null}");
        assertThat(config.eosIds()).containsExactly(7, 9);
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\":-1}");
        assertThat(read("{'model_type':'llama','eos_token_id':2}").eosIds()).isEmpty();
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\":-3}");
        assertThatThrownBy(() -> read("{'model_type':'llama','eos_token_id':2}"))
                .hasMessageContaining("generation_config.json: eos_token_id must be an id or a list of ids, got: -3");
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\":[7,9],\"pad_token_id\":3}");
        assertThat(config.padId()).isEqualTo(3);
        assertThat(config.bosId()).isNull();
    }

    @Test
    void generationConfigWithoutStopIdsLeavesTheModelsOwn() throws Exception {
        Files.writeString(folder.resolve("generation_config.json"), "{\"temperature\":0.6}");
        assertThat(read("{'model_type':'llama','eos_token_id':[5,6]}").eosIds()).containsExactly(5, 6);
    }

    @Test
    void keysOfRealCheckpointsPass() throws Exception {
        ModelConfig config = read("{'_name_or_path':'x','architectures':['LlamaForCausalLM'],'attention_dropout':0.0,"
                + "'is_llama_config':true,'rope_interleaved':false,'pretraining_tp':2,'transformers.js_config':{'a':1},"
                + "'model_type':'llama','use_cache':true,'quantization_config':null,'partial_rotary_factor':1.0,"
                + "'logits_scaling':1.0,'attention_multiplier':1,'unsloth_fixed':true,'transformers_version':'4.42.3',"
                + "'hidden_act':'silu','initializer_range':0.04}");
        assertThat(config.architecture()).isEqualTo(Architecture.LLAMA);
        assertThat(read("{'model_type':'qwen3_moe','use_qk_norm':true,'qkv_bias':false,"
                                + "'shared_expert_intermediate_size':0,'output_router_logits':false,"
                                + "'router_aux_loss_coef':0.001}")
                        .queryKeyNorm())
                .isTrue();
        // A window that is not used.
        assertThat(read("{'model_type':'qwen2','use_sliding_window':false,'sliding_window':131072,'use_mrope':false,"
                                + "'max_window_layers':28,'num_hidden_layers':2,"
                                + "'layer_types':['full_attention','full_attention']}")
                        .layers())
                .isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "model_type|'gemma3'|model_type must be one of llama, mistral, qwen2, qwen3, qwen3_moe, smollm3, got: \"gemma3\"",
                "architectures|['LlamaForSequenceClassification']|architectures must be [\"LlamaForCausalLM\"]",
                "hidden_act|'gelu'|hidden_act must be silu, got: \"gelu\"",
                "use_sliding_window|true|use_sliding_window must be false, got: true",
                "sliding_window|4096|sliding_window must be absent, got: 4096",
                "layer_types|['full_attention','sliding_attention']|layer_types must be full_attention everywhere",
                "layer_types|['full_attention']|layer_types must be a list of num_hidden_layers (2) names",
                "rope_scaling|{'type':'dynamic','factor':4}|rope_scaling.type must be default, linear, llama3 or yarn, got: \"dynamic\"",
                "rope_parameters|{'rope_type':'longrope'}|rope_parameters.rope_type must be default, linear, llama3 or yarn",
                "rope_scaling|{'rope_type':'yarn','factor':-4}|rope scaling: factor must be positive and finite, got: -4.0",
                "rope_scaling|{'rope_type':'yarn','factor':4,'beta_fast':1,'beta_slow':2}|beta_fast must be at least beta_slow (2.0), got: 1.0",
                "rope_scaling|{'rope_type':'yarn','factor':4,'low_freq_factor':2}|rope_scaling.low_freq_factor must be absent for rope_type yarn",
                "rope_scaling|{'rope_type':'yarn','factor':4,'attention_factor':-1}|attention_factor must be positive",
                "rope_parameters|{'full_attention':{'rope_theta':1}}|rope_parameters.full_attention must be absent",
                "rope_parameters|{'rope_type':'default','factor':2}|rope_parameters.factor must be absent",
                "rope_parameters|{'rope_type':'linear'}|rope_parameters.factor must be a number, got: nothing",
                "rope_parameters|{'rope_type':'linear','factor':0}|factor must be positive and finite, got: 0.0",
                "rope_parameters|{'rope_theta':1,'partial_rotary_factor':0.5}|rope_parameters.partial_rotary_factor must be 1, got: 0.5",
                "rope_scaling|{'rope_type':'default','rope_theta':7}|rope_theta must be the same as rope_theta outside",
                "partial_rotary_factor|0.5|partial_rotary_factor must be 1, got: 0.5",
                "quantization_config|{'bits':4}|quantization_config must be absent, got: {\"bits\":4}",
                "attention_multiplier|0.1|attention_multiplier must be 1 or absent, got: 0.1",
                "final_logit_softcapping|30.0|final_logit_softcapping must be absent, got: 30.0",
                "something_new|3|something_new must be absent, got: 3",
                "torch_dtype|'float8_e4m3fn'|torch_dtype must be float32, float16 or bfloat16, got: \"float8_e4m3fn\"",
                "vocab_size|1000000000|vocab_size must be from 1 to",
                "vocab_size|100000000000000|vocab_size must be an integer of at most 32 bits",
                "vocab_size|-1|vocab_size must be from 1 to",
                "vocab_size|'97'|vocab_size must be an integer",
                "vocab_size|97.5|vocab_size must be an integer",
                "hidden_size|0|hidden_size must be from 1 to",
                "hidden_size|65|hidden_size must be a multiple of num_attention_heads (4) where head_dim is not given",
                "num_hidden_layers|2000000|num_hidden_layers must be from 1 to",
                "num_attention_heads|0|num_attention_heads",
                "num_key_value_heads|3|num_key_value_heads must be a divisor of num_attention_heads (4), got: 3",
                "num_key_value_heads|0|num_key_value_heads must be from 1 to",
                "head_dim|15|head_dim must be even, got: 15",
                "rms_norm_eps|0|rms_norm_eps must be positive and finite, got: 0.0",
                "rope_theta|-1|rope_theta must be positive and finite",
                "rope_theta|'big'|rope_theta must be a number, got: \"big\"",
                "tie_word_embeddings|1|tie_word_embeddings must be true or false, got: 1",
                "eos_token_id|'</s>'|eos_token_id must be an integer or a list of integers",
                "eos_token_id|-2|eos_token_id must be an id or a list of ids",
                "is_encoder_decoder|true|is_encoder_decoder must be absent, got: true",
            },
            quoteCharacter = '`')
    void refusesWhatItCannotCompute(String key, String value, String message) {
        String theta = key.equals("rope_scaling") ? ",'rope_theta':10000.0" : "";
        String type = key.equals("model_type") ? "" : "'model_type':'llama',";
        String heads = key.equals("num_attention_heads") ? "" : "'num_attention_heads':4,";
        String keyValueHeads = key.equals("num_key_value_heads") ? "" : "'num_key_value_heads':2,";
        String layers = key.equals("num_hidden_layers") ? "" : "'num_hidden_layers':2,";
        String hidden = key.equals("hidden_size") ? "" : "'hidden_size':64,";
        String json = "{" + type + heads + keyValueHeads + layers + hidden + "'" + key + "':" + value + theta + "}";
        assertThatThrownBy(() -> read(json))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("config.json: ")
                .hasMessageContaining(message)
                .hasMessageNotContaining("\n");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'num_experts':4,'num_local_experts':8|num_local_experts must be the same as num_experts (4), got: 8",
                "'num_experts':4,'num_experts_per_tok':5|num_experts_per_tok must be at most num_experts (4), got: 5",
                "'num_experts':0|num_experts must be from 1 to",
                "'num_experts':16000,'num_hidden_layers':4000|num_hidden_layers * num_experts must be from 1 to",
                "'decoder_sparse_step':0|decoder_sparse_step must be from 1 to",
                "'mlp_only_layers':[24]|mlp_only_layers must be a list of layers below num_hidden_layers (24), got: [24]",
                "'use_qk_norm':false|use_qk_norm must be true or absent for qwen3_moe, got: false",
                "'moe_intermediate_size':0|moe_intermediate_size must be from 1 to",
                "'shared_expert_intermediate_size':64|shared_expert_intermediate_size must be absent, got: 64",
            },
            quoteCharacter = '`')
    void refusesImpossibleExperts(String keys, String message) {
        assertThatThrownBy(() -> read("{'model_type':'qwen3_moe'," + keys + "}"))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining(message);
    }

    @Test
    void refusesWhatIsNoJsonObject() {
        for (String text : List.of("", "[1]", "{'model_type':'llama'", "{'a':1,'a':2}", "{'rope_theta':NaN}", "null")) {
            assertThatThrownBy(() -> read(text))
                    .as(text)
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining("config.json: must be")
                    .hasMessageNotContaining("\n");
        }
    }

    @Test
    void aMissingFileIsNamed() {
        assertThatThrownBy(() -> ModelConfig.read(folder))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageEndingWith("config.json: file not found");
    }

    @Test
    void readsBackWhatItWrites() throws Exception {
        ModelConfig llama = read("{'model_type':'llama','hidden_size':64,'num_attention_heads':4,'head_dim':32,"
                + "'attention_bias':true,'mlp_bias':true,'tie_word_embeddings':true,'rope_theta':1e6,'dtype':'float16',"
                + "'rope_parameters':{'rope_type':'llama3','factor':8.5,'low_freq_factor':1.5,'high_freq_factor':4,"
                + "'original_max_position_embeddings':64},'eos_token_id':[4,5],'rms_norm_eps':1e-5}");
        ModelConfig linear = read("{'model_type':'llama','rope_scaling':{'type':'linear','factor':2}}");
        ModelConfig qwen2 =
                read("{'model_type':'qwen2','hidden_size':64,'num_attention_heads':4,'num_key_value_heads':2}");
        ModelConfig moe =
                read("{'model_type':'qwen3_moe','num_experts':4,'num_experts_per_tok':2,'norm_topk_prob':true,"
                        + "'decoder_sparse_step':2,'mlp_only_layers':[1],'attention_bias':true,'eos_token_id':3}");
        ModelConfig mistral = read("{'model_type':'mistral','sliding_window':null,'rope_scaling':{'type':'yarn',"
                + "'factor':2.5,'beta_fast':16,'beta_slow':2,'attention_factor':1.25,'truncate':false}}");
        ModelConfig window =
                read("{'model_type':'mistral','sliding_window':8192,'max_position_embeddings':8192,'head_dim':64}");
        ModelConfig smollm3 = read("{'model_type':'smollm3','no_rope_layers':[0,1,1],'num_hidden_layers':3,"
                + "'attention_bias':true,'mlp_bias':true,'pad_token_id':null,'tie_word_embeddings':false}");
        for (ModelConfig config : List.of(llama, linear, qwen2, moe, mistral, window, smollm3)) {
            assertThat(read(config.json())).isEqualTo(config);
        }
    }

    @Test
    void countsTheParametersThatTheShapesHave() throws Exception {
        String small = "'vocab_size':97,'hidden_size':32,'intermediate_size':40,'num_hidden_layers':4,"
                + "'num_attention_heads':4,'num_key_value_heads':2,'head_dim':16";
        for (String json : List.of(
                "{'model_type':'llama','attention_bias':true,'mlp_bias':true," + small + "}",
                "{'model_type':'qwen2','tie_word_embeddings':true," + small + "}",
                "{'model_type':'qwen3'," + small + "}",
                "{'model_type':'mistral','sliding_window':null," + small + "}",
                "{'model_type':'smollm3','attention_bias':true," + small + "}",
                "{'model_type':'qwen3_moe','num_experts':6,'num_experts_per_tok':2,'moe_intermediate_size':24,"
                        + "'decoder_sparse_step':2,'mlp_only_layers':[3]," + small + "}")) {
            ModelConfig config = read(json);
            long elements = config.parameterShapes().values().stream()
                    .mapToLong(shape -> Arrays.stream(shape).reduce(1, (a, b) -> a * b))
                    .sum();
            assertThat(config.parameters()).as(json).isEqualTo(elements);
            assertThat(config.weightBytes(DType.BF16)).isEqualTo(2 * elements);
        }
    }

    @Test
    void aTokenGoesThroughItsChosenExpertsOnly() throws Exception {
        ModelConfig config =
                read("{'model_type':'qwen3_moe','hidden_size':32,'head_dim':8,'num_hidden_layers':2,'num_experts':6,"
                        + "'num_experts_per_tok':2,'moe_intermediate_size':24}");
        assertThat(config.parameters() - config.activeParameters()).isEqualTo(2L * 4 * 3 * 24 * 32);
    }
}

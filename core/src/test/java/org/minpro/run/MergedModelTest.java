package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.minpro.eval.SequenceScorer;
import org.minpro.model.AdapterFolder;
import org.minpro.model.HuggingFaceWriter;
import org.minpro.model.LowRankAdapter;
import org.minpro.model.ModelConfig;
import org.minpro.model.ParameterSelection;
import org.minpro.model.Parameters;
import org.minpro.model.SafetensorsFile;
import org.minpro.model.SafetensorsHeader;
import org.minpro.model.TinyModels;
import org.minpro.model.Transformer;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;

/** The folder of a model with an adapter added to its weights. */
class MergedModelTest {
    private static final int RANK = 3;
    private static final double ALPHA = 6;

    @TempDir
    Path folder;

    /** A model's folder, and beside it an adapter's, whose A and B are both random. */
    private void write(ModelConfig config, LowRankAdapter.Variant variant) {
        LowRankAdapter adapter = LowRankAdapter.of(config, RANK, ALPHA, variant, List.of(LowRankAdapter.ALL_LINEAR));
        try (Parameters parameters =
                Parameters.zeros(config, ParameterSelection.of(config, adapter), Device.CPU, DType.F32, DType.F32)) {
            parameters.initialise(4, 0.2);
            parameters.initialiseAdapter(5);
            try (Scope scope = Scope.open()) {
                int draw = 0;
                for (Tensor tensor : parameters.adapter().values()) {
                    double[] noise =
                            Philox.normals(Math.toIntExact(tensor.elements()), 6, Philox.Purpose.TRIAL, draw++);
                    tensor.copyInPlace(
                            Tensor.of(Device.CPU, noise, tensor.shape()).multiply(0.1));
                }
                HuggingFaceWriter.write(folder.resolve("model"), config, parameters.named());
                assert scope != null;
            }
            AdapterFolder.write(
                    folder.resolve("adapter"), config, folder.resolve("model").toString(), parameters);
        }
    }

    private static double[] scores(ModelFiles files) {
        try (Workers workers = new Workers(1);
                Transformer model = files.transformer(DType.F32);
                Parameters parameters = model.parameters()) {
            assertThat(parameters.adapter().isEmpty()).isEqualTo(!files.hasAdapter());
            return new SequenceScorer(model, workers)
                    .score(List.of(new int[] {3, 4, 5, 60, 7, 8, 91, 10, 11, 12}))
                    .getFirst();
        }
    }

    @ParameterizedTest
    @CsvSource({"false,LORA", "false,RSLORA", "true,LORA", "true,RSLORA"})
    void itSaysWhatTheAdapterSaysBesideTheModel(boolean experts, LowRankAdapter.Variant variant) {
        write(experts ? TinyModels.experts() : TinyModels.dense(), variant);
        ModelFiles adapted = ModelFiles.open(folder.resolve("adapter").toString());
        adapted.saveMerged(folder.resolve("merged"));
        double[] expected = scores(adapted);
        ModelFiles merged = ModelFiles.open(folder.resolve("merged").toString());
        assertThat(scores(merged)).containsExactly(expected, within(1e-4));
        double[] without = scores(ModelFiles.open(folder.resolve("model").toString()));
        double moved = 0;
        for (int t = 0; t < without.length; t++) {
            moved = Math.max(moved, Math.abs(without[t] - expected[t]));
        }
        assertThat(moved).isGreaterThan(0.05);
    }

    /** Computed here from the folders' own numbers: {@code bf16(W + alpha / rank B A)}. */
    @Test
    void aFolderInBfloat16HasTheSumsRoundedOnce() {
        write(TinyModels.dense().withStoredDType(DType.BF16), LowRankAdapter.Variant.LORA);
        ModelFiles.open(folder.resolve("adapter").toString()).saveMerged(folder.resolve("merged"));
        String module = "model.layers.1.self_attn.o_proj";
        double[] weight = read("model/model.safetensors", module + ".weight");
        double[] down = read("adapter/adapter_model.safetensors", "base_model.model." + module + ".lora_A.weight");
        double[] up = read("adapter/adapter_model.safetensors", "base_model.model." + module + ".lora_B.weight");
        double[] merged = read("merged/model.safetensors", module + ".weight");
        int in = down.length / RANK;
        int out = up.length / RANK;
        int changed = 0;
        for (int o = 0; o < out; o++) {
            for (int i = 0; i < in; i++) {
                double sum = weight[o * in + i];
                for (int r = 0; r < RANK; r++) {
                    sum += ALPHA / RANK * up[o * RANK + r] * down[r * in + i];
                }
                // Half of the last of eight bits, and the rounding of float32 before it.
                assertThat(merged[o * in + i]).isCloseTo(sum, within(Math.abs(sum) * 0.00391 + 1e-6));
                changed += merged[o * in + i] == weight[o * in + i] ? 0 : 1;
            }
        }
        assertThat(changed).isGreaterThan(in * out / 2);
        try (SafetensorsFile before = SafetensorsFile.open(folder.resolve("model/model.safetensors"));
                SafetensorsFile after = SafetensorsFile.open(folder.resolve("merged/model.safetensors"));
                Scope scope = Scope.open()) {
            assertThat(after.header().tensors().keySet())
                    .isEqualTo(before.header().tensors().keySet());
            for (Map.Entry<String, SafetensorsHeader.Entry> tensor :
                    before.header().tensors().entrySet()) {
                String name = tensor.getKey();
                assertThat(Objects.requireNonNull(after.header().tensors().get(name))
                                .dtype())
                        .as(name)
                        .isEqualTo(DType.BF16);
                assertThat(after.read(name).bytes().length)
                        .isEqualTo(before.read(name).bytes().length);
                if (!name.contains("_proj")) {
                    assertThat(after.read(name).bytes())
                            .as(name)
                            .isEqualTo(before.read(name).bytes());
                }
            }
            assert scope != null;
        }
    }

    private double[] read(String file, String tensor) {
        try (SafetensorsFile stored = SafetensorsFile.open(folder.resolve(file));
                Scope scope = Scope.open()) {
            assert scope != null;
            return stored.read(tensor).to(DType.F64).doubles();
        }
    }
}

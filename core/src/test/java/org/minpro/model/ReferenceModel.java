package org.minpro.model;

import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.minpro.tensor.DType;
import org.minpro.tensor.TestDevice;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A committed checkpoint with what transformers computes from it in float64; bench/goldens/model_fixtures.py made it. */
record ReferenceModel(Path folder, JsonNode reference) {
    static final List<String> NAMES = List.of(
            "llama-gqa",
            "llama-llama3-scaling-tied",
            "llama-linear-scaling",
            "llama-biases",
            "qwen2-tied",
            "qwen2-shards",
            "qwen3",
            "qwen3-moe",
            "qwen3-moe-mixed-layers",
            "llama-yarn",
            "mistral",
            "mistral-yarn",
            "qwen2-yarn",
            "qwen3-yarn",
            "qwen3-moe-yarn",
            "smollm3",
            "smollm3-yarn");

    static ReferenceModel of(String name) {
        try {
            URL url = Objects.requireNonNull(ReferenceModel.class.getResource("/models/" + name), name);
            Path folder = Path.of(url.toURI());
            return new ReferenceModel(
                    folder,
                    JsonMapper.shared()
                            .readTree(folder.resolve("reference.json").toFile()));
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The model with parameters of its own; the caller closes both. */
    Transformer load(DType type) {
        HuggingFaceReader files = HuggingFaceReader.open(folder);
        Parameters parameters = Parameters.zeros(files.config(), TestDevice.HERE, type);
        files.load(parameters.named());
        return new Transformer(files.config(), parameters);
    }

    int[] sequence(int index) {
        return ids(reference.get("sequences").get(index));
    }

    /** Of every token but the first. */
    double[] logProbs(int index) {
        return doubles(reference.get("log_probs").get(index));
    }

    static int[] ids(JsonNode list) {
        return IntStream.range(0, list.size()).map(i -> list.get(i).intValue()).toArray();
    }

    static double[] doubles(JsonNode list) {
        return IntStream.range(0, list.size())
                .mapToDouble(i -> list.get(i).doubleValue())
                .toArray();
    }
}

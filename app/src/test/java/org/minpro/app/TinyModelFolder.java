package org.minpro.app;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.minpro.model.HuggingFaceReader;
import org.minpro.model.HuggingFaceWriter;
import org.minpro.model.ModelConfig;
import org.minpro.model.Parameters;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;

/** A random model of a few thousand weights with the built-in tokenizer, written as a Hugging Face folder. */
final class TinyModelFolder {
    private TinyModelFolder() {}

    static Path write(Path parent) {
        try {
            Path bare = Files.createDirectories(parent.resolve("bare"));
            Files.writeString(bare.resolve("config.json"), """
                    {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 19, "hidden_size": 16,
                     "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
                     "hidden_act": "silu", "max_position_embeddings": 256, "rms_norm_eps": 1e-5,
                     "rope_theta": 10000.0, "tie_word_embeddings": true, "bos_token_id": null, "eos_token_id": 1,
                     "torch_dtype": "float32"}
                    """);
            ModelConfig config = ModelConfig.read(bare);
            Path folder = parent.resolve("tiny");
            try (Parameters parameters = Parameters.zeros(config, Device.CPU, DType.F32);
                    Scope scope = Scope.open()) {
                parameters.initialise(7, 0.3);
                HuggingFaceWriter.write(folder, config, parameters.named());
                assert scope != null;
            }
            for (String file : new String[] {"tokenizer.json", "tokenizer_config.json", "generation_config.json"}) {
                try (InputStream in = Objects.requireNonNull(
                        HuggingFaceReader.class.getResourceAsStream("/org/minpro/builtin/" + file))) {
                    Files.write(folder.resolve(file), in.readAllBytes());
                }
            }
            Files.writeString(
                    folder.resolve("chat_template.jinja"),
                    "{% for m in messages %}{{ m.content }}{% endfor %}"
                            + "{% if add_generation_prompt %}={% endif %}{{ suffix }}");
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

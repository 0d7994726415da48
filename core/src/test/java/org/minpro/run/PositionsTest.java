package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.model.ModelConfig;

final class PositionsTest {
    @TempDir
    Path folder;

    private ModelConfig mistral(String window) throws IOException {
        Files.writeString(
                folder.resolve("config.json"),
                "{\"model_type\":\"mistral\",\"max_position_embeddings\":100,\"sliding_window\":" + window + "}");
        return ModelConfig.read(folder);
    }

    @Test
    void theLastPositionMayBeUsed() throws IOException {
        Positions positions = new Positions(mistral("null"), false, "--beyond-positions");
        positions.require(60, "a prompt", 40, "--max-new-tokens");
        assertThat(positions.problem(100)).isNull();
        assertThat(positions.left(60)).isEqualTo(40);
        assertThat(positions.beyond(60, 40)).isNull();
        assertThatThrownBy(() -> positions.require(61, "a prompt", 40, "--max-new-tokens"))
                .hasMessageContaining("max_position_embeddings (100), got: 101, which is 61 of a prompt and"
                        + " --max-new-tokens (40); lower --max-new-tokens")
                .hasMessageContaining("or allow it with --beyond-positions");
        assertThat(positions.problem(101)).contains("(100), got: 101 tokens");
    }

    @Test
    void whatIsAllowedHasNoEnd() throws IOException {
        Positions positions = new Positions(mistral("null"), true, "--beyond-positions");
        positions.require(Integer.MAX_VALUE, "a prompt", Integer.MAX_VALUE, "--max-new-tokens");
        assertThat(positions.beyond(90, 20)).contains("up to 110 ", "max_position_embeddings (100)");
    }

    /** Beyond its window the model would not see all that is computed with. */
    @Test
    void aWindowEndsWhatCanBeAllowed() throws IOException {
        Positions positions = new Positions(mistral("120"), true, "--beyond-positions");
        positions.require(60, "a prompt", 60, "--max-new-tokens");
        assertThatThrownBy(() -> positions.require(61, "a prompt", 60, "--max-new-tokens"))
                .hasMessageContaining("sliding_window (120; windows are not supported), got: 121")
                .hasMessageNotContaining("allow");
    }
}

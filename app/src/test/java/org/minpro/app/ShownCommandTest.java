package org.minpro.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

final class ShownCommandTest {
    @Test
    void quotesWhatAShellWouldSplitOrReplace() {
        assertThat(ShownCommand.of(List.of("train", "--resume", "runs/0001")))
                .isEqualTo("minpro train --resume runs/0001");
        assertThat(ShownCommand.of(List.of("generate", "--prompt", "1+1="))).isEqualTo("minpro generate --prompt 1+1=");
        assertThat(ShownCommand.of(List.of("generate", "--model", "my runs/1", "--prompt", "it's $5\nor")))
                .isEqualTo("minpro generate --model 'my runs/1' --prompt 'it'\\''s $5\nor'");
        assertThat(ShownCommand.of(List.of("generate", "--prompt", ""))).isEqualTo("minpro generate --prompt ''");
    }
}

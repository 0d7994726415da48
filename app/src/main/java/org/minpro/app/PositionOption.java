package org.minpro.app;

import org.minpro.model.ModelConfig;
import org.minpro.run.Positions;
import picocli.CommandLine.Option;

/** The option of commands without a recipe that allows sequences longer than the model was made for. */
final class PositionOption {
    private static final String NAME = "--beyond-positions";

    @Option(
            names = NAME,
            description = "Allow sequences longer than the folder's max_position_embeddings; refused otherwise.")
    private boolean allowed;

    Positions of(ModelConfig config) {
        return new Positions(config, allowed, NAME);
    }
}

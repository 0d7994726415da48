package org.minpro.rollout.served;

import java.nio.file.Path;
import java.util.List;
import org.minpro.model.PolicyVersion;

/** What a served engine needs of the process that trains. */
public interface TrainerWeights {
    /** Whether versions are adapters, beside the model that the servers were started from. */
    boolean isAdapter();

    /**
     * Writes a version as a folder that a server loads, with nothing else beside: an adapter in the layout of PEFT, else a whole
     * model with a head of its own.
     */
    void write(PolicyVersion version, Path folder);

    /**
     * For each sequence the log-probabilities that a version gives its tokens from the second on, {@code [length - 1]}, nats.
     *
     * @param temperature that divides the logits
     */
    List<double[]> score(PolicyVersion version, List<int[]> sequences, double temperature);
}

package org.minpro.run;

import java.nio.file.Path;
import java.util.List;
import org.minpro.eval.SequenceScorer;
import org.minpro.model.PolicyVersion;
import org.minpro.rollout.served.TrainerWeights;
import org.minpro.tensor.DType;
import org.minpro.tensor.Workers;

/**
 * A run's weights for its servers: the adapter that it trains, or folders like the one that it started from, in the type that it
 * computes in.
 *
 * @param files of the model that is trained
 * @param isAdapter whether an adapter is trained
 * @param compute type of the matrix products
 * @param workers that score
 */
record ServedWeights(ModelFiles files, boolean isAdapter, DType compute, Workers workers) implements TrainerWeights {
    @Override
    public void write(PolicyVersion version, Path folder) {
        if (isAdapter) {
            files.saveAdapter(folder, version.model().parameters());
        } else {
            files.saveServed(folder, version.model().parameters(), compute);
        }
    }

    @Override
    public List<double[]> score(PolicyVersion version, List<int[]> sequences, double temperature) {
        return new SequenceScorer(version.model(), workers, temperature).score(sequences);
    }
}

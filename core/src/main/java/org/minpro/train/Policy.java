package org.minpro.train;

import java.nio.file.Path;
import org.minpro.model.ModelConfig;
import org.minpro.model.Parameters;
import org.minpro.model.Transformer;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Workers;

/**
 * The model that is trained: master weights in float32, and the weights it computes with, which are the same memory
 * unless they are of another type.
 */
public final class Policy implements AutoCloseable {
    private final Parameters master;
    private final Parameters computing;
    private final Transformer model;
    private long version;

    /**
     * @param master float32 weights (float64 in tests); the policy owns them from now on
     * @param compute type of the matrix products
     */
    public Policy(ModelConfig config, Parameters master, DType compute) {
        this.master = master;
        this.computing = master.type() == compute ? master : master.copy(config, compute);
        this.model = new Transformer(config, computing);
    }

    /** What samples and is differentiated. */
    public Transformer model() {
        return model;
    }

    public Parameters master() {
        return master;
    }

    /** Number of optimizer steps in the weights. */
    public long version() {
        return version;
    }

    /**
     * Weights that are no numbers, or too large for a float32 square, give no probabilities: they must not take the place
     * of a checkpoint.
     *
     * @param when they were seen, such as {@code before iteration 3}
     * @param recipe where the learning rate can be lowered
     */
    public void requireFiniteWeights(Workers workers, String when, Path recipe) {
        if (!Double.isFinite(EuclideanNorm.of(master.stored(), workers))) {
            throw new IllegalStateException("weights must be finite to be saved, got: some that are not " + when
                    + "; a lower optimizer.learning-rate in " + recipe
                    + " may help, and the run continues from the checkpoint before");
        }
    }

    /** Carries changed master weights into the computing ones and names their version. */
    public void publish(long version) {
        if (computing != master) {
            try (Scope scope = Scope.open()) {
                computing.copyFrom(master);
            }
        }
        this.version = version;
    }

    @Override
    public void close() {
        model.close();
        if (computing != master) {
            computing.close();
        }
        master.close();
    }
}

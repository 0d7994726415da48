package org.minpro.train;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import org.minpro.model.ModelConfig;
import org.minpro.model.Parameters;
import org.minpro.model.Transformer;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Workers;

/**
 * The model that is trained: master weights, float32 where they are trained, and the weights it computes with, which are
 * the same memory unless they are of another type.
 */
public final class Policy implements AutoCloseable {
    private final Parameters master;
    private final Parameters computing;
    private final Transformer model;
    private long version;
    private @Nullable String frozenSha256;

    /**
     * @param master float32 weights (float64 in tests), frozen ones of this or of the compute type; the policy owns them from
     *     now on
     * @param compute type of the matrix products
     */
    public Policy(ModelConfig config, Parameters master, DType compute) {
        this.master = master;
        boolean same = master.stored().values().stream().allMatch(tensor -> tensor.type() == compute);
        this.computing = same ? master : master.inType(config, compute);
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
        if (!Double.isFinite(PolicyUpdater.norm(master.trainable(), workers))) {
            throw new IllegalStateException("weights must be finite to be saved, got: some that are not " + when
                    + "; a lower optimizer.learning-rate in " + recipe
                    + " may help, and the run continues from the checkpoint before");
        }
    }

    /**
     * The SHA-256 over the frozen weights, hexadecimal; empty where there are none. A checkpoint does not hold them, so this
     * is how a run that goes on knows that they are the same.
     */
    public String frozenSha256() {
        if (frozenSha256 == null) {
            frozenSha256 = master.selection().isWhole() ? "" : hashOfFrozen();
        }
        return frozenSha256;
    }

    /**
     * Refuses frozen weights that are not those that a run began with.
     *
     * @param sha256 of the latter, {@link #frozenSha256}
     * @param recipe that names the folder they are read from
     */
    public void requireFrozen(String sha256, Path recipe) {
        if (!frozenSha256().equals(sha256)) {
            throw new IllegalStateException(
                    "frozen weights must be those that the run began with, got: others; restore the"
                            + " folder that model.path names, and model.trainable, in " + recipe);
        }
    }

    private String hashOfFrozen() {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
            master.stored().forEach((name, tensor) -> {
                if (master.trainable().containsKey(name)) {
                    return;
                }
                digest.update(name.getBytes(StandardCharsets.UTF_8));
                long bytes = tensor.elements() * tensor.type().bytes();
                for (long done = 0; done < bytes; done += buffer.capacity()) {
                    buffer.clear().limit((int) Math.min(buffer.capacity(), bytes - done));
                    tensor.copyBytes(done, buffer);
                    digest.update(buffer.flip());
                }
            });
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
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

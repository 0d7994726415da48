package org.minpro.train;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import org.minpro.model.ModelConfig;
import org.minpro.model.PackedWeights;
import org.minpro.model.Parameters;
import org.minpro.model.PolicyVersion;
import org.minpro.model.Transformer;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Workers;

/**
 * The model that is trained: master weights, float32 where they are trained, which the optimizer steps, and
 * the versions that are computed with.
 *
 * <p>Master weights and the newest version are the same memory unless the model computes in another type. A step first
 * gives up the newest version ({@link #beginUpdate}). Weights that nobody else holds are then stepped, or overwritten by the
 * next version, where they are. Weights that somebody holds are left to their holders, and the policy goes on with a copy:
 * one more set of weights in memory, and the time to copy it, for as long as the older version is held.
 */
public final class Policy implements AutoCloseable {
    private final ModelConfig config;
    private final DType compute;
    /** Has the tables that all versions share. */
    private final Transformer module;
    /** Packed weights that are not trained; null where there are none, or each version packs its own. */
    private final @Nullable PackedWeights frozen;

    private Parameters master;
    private Parameters computing;
    private PolicyVersion version;
    private boolean updating;
    private @Nullable String frozenSha256;

    /**
     * @param master float32 weights (float64 in tests), frozen ones of this or of the compute type, those beside an adapter of
     *     the compute type; the policy owns them from now on
     * @param compute type of the matrix products
     */
    public Policy(ModelConfig config, Parameters master, DType compute) {
        this(config, master, compute, null);
    }

    /** @param shared packed weights that are not trained, held from now on; null where there are none yet */
    private Policy(ModelConfig config, Parameters master, DType compute, @Nullable PackedWeights shared) {
        this.config = config;
        this.compute = compute;
        this.master = master;
        this.computing = master.areAll(compute) ? master : master.inType(config, compute);
        this.module = new Transformer(config, computing);
        if (shared != null) {
            this.frozen = shared.hold();
        } else {
            this.frozen = frozenStay(master, compute) ? PolicyVersion.frozen(module.steps()) : null;
        }
        this.version = new PolicyVersion(0, module, frozen);
    }

    /** A policy of its own that begins with these weights and shares those that are not trained. */
    public Policy fork() {
        return new Policy(config, master.copy(config), compute, frozen);
    }

    /** Whether some weights are not trained and all of these are the same memory in every version. */
    private static boolean frozenStay(Parameters master, DType compute) {
        return !master.selection().isWhole()
                && master.stored().entrySet().stream()
                        .allMatch(entry -> master.trainable().containsKey(entry.getKey())
                                || entry.getValue().type() == compute);
    }

    /**
     * The model that an adapter is beside: a version of it, which shares weights and packed weights with those of the policy.
     *
     * @return with one holder, the caller
     */
    public PolicyVersion withoutAdapter() {
        Parameters base = master.withoutAdapter(config);
        PolicyVersion made = new PolicyVersion(0, module.over(base), frozen);
        base.close();
        return made;
    }

    /** What samples and is differentiated: the newest version's module. */
    public Transformer model() {
        return newest().model();
    }

    /** The weights that are stepped; another object after an update that found them shared. */
    public Parameters master() {
        return master;
    }

    /** Number of optimizer steps in the weights. */
    public long version() {
        return version.number();
    }

    /** The newest version, with one holder more: the caller, who closes it. */
    public PolicyVersion holdVersion() {
        return newest().hold();
    }

    private PolicyVersion newest() {
        if (updating) {
            throw new IllegalStateException(
                    "weights must not be read while they are stepped, got: a reader between beginUpdate and publish");
        }
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
        if (!Double.isFinite(EuclideanNorm.of(master.trainable(), workers))) {
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

    /**
     * Gives up the newest version, so that {@link #master} may be written; {@link #publish} ends it.
     *
     * @return the weights to write
     */
    public Parameters beginUpdate() {
        if (updating) {
            return master;
        }
        version.close();
        updating = true;
        if (computing == master && master.isShared()) {
            Parameters copy = master.copy(config);
            master.close();
            master = copy;
            computing = copy;
        }
        return master;
    }

    /** Carries changed master weights into the ones that are computed with and makes them the newest version. */
    public void publish(long number) {
        beginUpdate();
        if (computing != master) {
            if (computing.isShared()) {
                computing.close();
                computing = master.inType(config, compute);
            } else {
                try (Scope scope = Scope.open()) {
                    computing.copyFrom(master);
                }
            }
        }
        version = new PolicyVersion(number, module.over(computing), frozen);
        updating = false;
    }

    @Override
    public void close() {
        if (!updating) {
            version.close();
        }
        if (computing != master) {
            computing.close();
        }
        master.close();
        module.close();
        if (frozen != null) {
            frozen.close();
        }
    }
}

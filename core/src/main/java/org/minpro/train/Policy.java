package org.minpro.train;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.minpro.dist.Collectives;
import org.minpro.model.ModelConfig;
import org.minpro.model.NonFiniteModelException;
import org.minpro.model.PackedWeights;
import org.minpro.model.Parameters;
import org.minpro.model.PolicyVersion;
import org.minpro.model.SafetensorsFile;
import org.minpro.model.Transformer;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;

/**
 * The model that is trained: master weights, float32 where they are trained, which the optimizer steps, and
 * the versions that are computed with.
 *
 * <p>Master weights and the newest version are the same memory unless the model computes in another type. A step first
 * gives up the newest version ({@link #beginUpdate}). Weights that nobody else holds are then stepped, or overwritten by the
 * next version, where they are. Weights that somebody holds are left to their holders, and the policy goes on with a copy:
 * one more set of weights in memory, and the time to copy it, for as long as the older version is held.
 *
 * <p>Several processes that compute in another type than that of the master weights can share these out ({@link #shareOut}): then
 * each has its own slices of them, and nobody has the whole.
 */
public final class Policy implements AutoCloseable {
    private final ModelConfig config;
    private final DType compute;
    /** Has the tables that all versions share. */
    private final Transformer module;
    /** Packed weights that are not trained; null where there are none, or each version packs its own. */
    private final @Nullable PackedWeights frozen;

    /** Null once ranks have shared it out. */
    private @Nullable Parameters master;
    /** What this rank owns of the master weights, once ranks have shared them out; else null. */
    private @Nullable MasterShards shards;

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
        return new Policy(config, master().copy(config), compute, frozen);
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
        Parameters base = master().withoutAdapter(config);
        PolicyVersion made = new PolicyVersion(0, module.over(base), frozen);
        base.close();
        return made;
    }

    /** What samples and is differentiated: the newest version's module. */
    public Transformer model() {
        return newest().model();
    }

    /**
     * The weights that are stepped; another object after an update that found them shared.
     *
     * @throws IllegalStateException once ranks have shared them out
     */
    public Parameters master() {
        if (master == null) {
            throw new IllegalStateException("master weights that ranks have shared out must be asked for by slices");
        }
        return master;
    }

    /**
     * Gives up the master weights that other ranks own ({@link Ownership}); all ranks call it. It changes nothing in a process that
     * is alone, nor where the master weights are what is computed with.
     */
    public void shareOut(Collectives ranks) {
        if (ranks.isAlone() || isSharedOut() || computing == master) {
            return;
        }
        Parameters whole = master();
        // The last time that the frozen ones are seen in the type that they are stored in.
        frozenSha256();
        shards = new MasterShards(whole, new Ownership(whole.trainable(), ranks));
        whole.close();
        master = null;
    }

    /** Whether each rank has its slices of the master weights alone. */
    public boolean isSharedOut() {
        return shards != null;
    }

    /**
     * What this process has of each trained parameter's master weights: the whole tensor, or of those that ranks have shared out the
     * elements that it owns, {@code [elements]}.
     */
    public SequencedMap<String, Tensor> held() {
        return shards == null ? master().trainable() : shards.slices();
    }

    /** What a process owns of the master weights, {@code [elements]} each; in the innermost scope. */
    SequencedMap<String, Tensor> owned(Ownership ownership) {
        return shards == null ? ownership.owned(master().trainable()) : shards.slices();
    }

    /**
     * The trained master weights under their names in a checkpoint.
     *
     * @param whole gives the whole of what ranks have shared out, by the names of {@link Parameters#trainable}
     */
    SafetensorsFile.Content trained(Function<String, Tensor> whole) {
        if (shards == null) {
            return SafetensorsFile.Content.of(master().trainableNamed());
        }
        DType type = shards.slices().firstEntry().getValue().type();
        SequencedMap<String, SafetensorsFile.Shape> shapes = new LinkedHashMap<>();
        computing
                .trainableNamed()
                .forEach((name, tensor) -> shapes.put(name, new SafetensorsFile.Shape(type, tensor.shape())));
        return new SafetensorsFile.Content(shapes, name -> Parameters.named(config, name, whole));
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
     * <p>Ranks that have shared them out call this together.
     *
     * @param when they were seen, such as {@code before iteration 3}
     * @param recipe where the learning rate can be lowered
     */
    public void requireFiniteWeights(Workers workers, String when, Path recipe) {
        boolean finite = Double.isFinite(EuclideanNorm.of(held(), workers));
        if (shards == null ? !finite : shards.ranks().any("whether the weights are finite", !finite)) {
            throw new NonFiniteModelException("weights must be finite to be saved, got: some that are not " + when
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
            frozenSha256 = computing.selection().isWhole() ? "" : hashOfFrozen(master());
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

    private static String hashOfFrozen(Parameters master) {
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
     * Gives up the newest version, so that {@link #master} may be written; {@link #publish(long)} ends it.
     *
     * @return the weights to write
     */
    public Parameters beginUpdate() {
        beginStep();
        return master();
    }

    /** The same for who writes {@link #held}, or what it owns. */
    public void beginStep() {
        if (updating) {
            return;
        }
        version.close();
        updating = true;
        if (master != null && computing == master && master.isShared()) {
            Parameters copy = master.copy(config);
            master.close();
            master = copy;
            computing = copy;
        }
    }

    /**
     * Carries changed master weights into the ones that are computed with and makes them the newest version. Ranks that have shared
     * them out call this together.
     */
    public void publish(long number) {
        publish(number, computing.trainable().sequencedKeySet());
    }

    /**
     * The same where it is known which parameters have changed.
     *
     * @param changed their names, the same on all ranks
     */
    void publish(long number, Collection<String> changed) {
        beginStep();
        if (shards != null) {
            if (computing.isShared()) {
                Parameters copy = computing.copy(config);
                computing.close();
                computing = copy;
            }
            shards.carryInto(computing, changed);
        } else if (computing != master) {
            if (computing.isShared()) {
                computing.close();
                computing = master().inType(config, compute);
            } else {
                try (Scope scope = Scope.open()) {
                    computing.copyFrom(master());
                }
            }
        }
        version = new PolicyVersion(number, module.over(computing), frozen);
        updating = false;
    }

    /**
     * The same after ranks have stepped what they own.
     *
     * @param ownership of the elements
     * @param changed names of the parameters that were stepped, the same on all ranks
     */
    void publish(long number, Ownership ownership, Collection<String> changed) {
        if (shards == null && !ownership.ranks().isAlone()) {
            SequencedMap<String, Tensor> stepped = new LinkedHashMap<>(master().trainable());
            stepped.keySet().retainAll(changed);
            ownership.spread(MasterShards.WHAT, stepped);
        }
        publish(number, changed);
    }

    @Override
    public void close() {
        if (!updating) {
            version.close();
        }
        if (computing != master) {
            computing.close();
        }
        if (master != null) {
            master.close();
        }
        if (shards != null) {
            shards.close();
        }
        module.close();
        if (frozen != null) {
            frozen.close();
        }
    }
}

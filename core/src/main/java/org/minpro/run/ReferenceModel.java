package org.minpro.run;

import java.util.Objects;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;
import org.minpro.dist.Collectives;
import org.minpro.model.Parameters;
import org.minpro.model.PolicyVersion;
import org.minpro.model.Transformer;
import org.minpro.recipe.KlSection;
import org.minpro.recipe.Recipe;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.train.Policy;

/**
 * The model that the trained one is kept near (setting {@code kl.reference}): weights that do not change, or a running mean
 * of the trained ones, {@code mean = decay * mean + (1 - decay) * weights} after each iteration that had updates, in float32.
 */
public final class ReferenceModel implements AutoCloseable {
    /** Whose weights are read: fixed ones of its own. */
    private final @Nullable Transformer fixed;

    /** What holds fixed weights, its own or those that an adapter is beside. */
    private final @Nullable PolicyVersion version;

    /** Whose weights are the mean. */
    private final @Nullable Policy mean;

    private final double decay;
    private final String sha256;

    private ReferenceModel(
            @Nullable Transformer fixed,
            @Nullable PolicyVersion version,
            @Nullable Policy mean,
            double decay,
            String sha256) {
        this.fixed = fixed;
        this.version = version;
        this.mean = mean;
        this.decay = decay;
        this.sha256 = sha256;
    }

    /**
     * Opens the reference of a recipe that has one.
     *
     * @param trained the model that the run starts from
     * @param compute what it is computed in, as the trained one
     */
    static ReferenceModel open(Recipe recipe, ModelFiles trained, DType compute) {
        KlSection kl = recipe.kl();
        if (kl.reference().equals(KlSection.AVERAGE)) {
            return average(
                    trained.policy(compute, recipe.trained(trained.config()), recipe.adapterBeginning()),
                    kl.averageDecay());
        }
        ModelFiles files = kl.isFolder() ? ModelFiles.open(kl.reference()) : trained;
        if (files.config().vocabSize() != trained.config().vocabSize()) {
            throw new IllegalArgumentException("kl.reference must have the vocabulary of model.path, "
                    + trained.config().vocabSize() + " tokens, got: "
                    + files.config().vocabSize() + " in " + files.path());
        }
        if (files.config().maxPositions() < trained.config().maxPositions()
                && !recipe.model().beyondPositions()) {
            throw new IllegalArgumentException("kl.reference must have the positions of model.path, "
                    + trained.config().maxPositions() + ", got: "
                    + files.config().maxPositions() + " in " + files.path()
                    + "; or allow it with model.beyond-positions: true");
        }
        return fixed(files.transformer(compute), files.sha256());
    }

    /**
     * A reference that does not change.
     *
     * @param model its module, whose weights belong to the reference from now on
     * @param sha256 of its files, so that a run that goes on knows that they are the same
     */
    static ReferenceModel fixed(Transformer model, String sha256) {
        return new ReferenceModel(model, new PolicyVersion(0, model), null, 0, sha256);
    }

    /**
     * A version that shares the policy's memory, all but that of an adapter.
     *
     * @param version without the policy's adapter, or with the one that it began with; closed with the reference
     * @param sha256 of its files
     */
    static ReferenceModel beside(PolicyVersion version, String sha256) {
        return new ReferenceModel(null, version, null, 0, sha256);
    }

    /** @param begin whose weights the mean begins with; it belongs to the reference from now on */
    static ReferenceModel average(Policy begin, double decay) {
        return new ReferenceModel(null, null, begin, decay, "");
    }

    /** What scores. */
    Transformer model() {
        return mean != null ? mean.model() : Objects.requireNonNull(version).model();
    }

    /** The SHA-256 of the files of a reference that does not change; empty for a mean. */
    String sha256() {
        return sha256;
    }

    /** What a mean is kept in, which a checkpoint stores; null of a reference that does not change. */
    @Nullable Policy mean() {
        return mean;
    }

    /** Gives up what other ranks own of a mean, as of the policy; all ranks call it. */
    void shareOut(Collectives ranks) {
        if (mean != null) {
            mean.shareOut(ranks);
        }
    }

    /**
     * Takes a mean from a checkpoint.
     *
     * @param checkpoint read on the first rank; null on the others, which get it from there
     */
    void restore(Checkpoints.@Nullable Checkpoint checkpoint, Collectives ranks) {
        if (mean != null) {
            Parameters means = mean.beginUpdate();
            if (checkpoint != null) {
                checkpoint.loadReference(means.trainableNamed());
            }
            means.trainable().values().forEach(tensor -> ranks.broadcast("the reference's weights", tensor, 0));
            mean.publish(0);
        }
    }

    /** Moves the mean towards the weights of a policy. */
    void follow(Policy policy) {
        if (mean == null) {
            return;
        }
        mean.beginStep();
        SequencedMap<String, Tensor> means = mean.held();
        try (Scope scope = Scope.open()) {
            policy.held()
                    .forEach((name, weights) -> Objects.requireNonNull(means.get(name))
                            .interpolateInPlace(weights, Tensor.full(weights.device(), weights.type(), 1 - decay, 1)));
        }
        mean.publish(0);
    }

    @Override
    public void close() {
        if (version != null) {
            version.close();
        }
        if (fixed != null) {
            fixed.parameters().close();
            fixed.close();
        }
        if (mean != null) {
            mean.close();
        }
    }
}

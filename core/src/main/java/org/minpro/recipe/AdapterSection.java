package org.minpro.recipe;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.model.AdapterFolder;
import org.minpro.model.LowRankAdapter;
import org.minpro.model.ModelConfig;
import org.minpro.model.ParameterSelection;
import org.minpro.model.Parameters;

/**
 * A low-rank adapter that is trained in place of the model's own weights.
 *
 * @param path of the adapter that training goes on with; null for a new one
 * @param rank of a new one's A and B; 0 where there is none
 * @param alpha what the scale is made of
 * @param targets the linear maps that have one
 * @param variant how the scale follows from alpha and rank
 * @param dropout 0
 */
public record AdapterSection(
        @Doc(
                "A folder with an adapter in the layout of PEFT that training goes on with, or that is evaluated; its rank,"
                        + " alpha, targets and variant are taken. null for a new one.")
        @Nullable String path,

        @Doc("Rank of the matrices A and B of a new adapter, which are trained beside the weights; these keep their"
                + " values. 0 for none: the model itself is trained.")
        int rank,

        @Doc("The low-rank product is multiplied by alpha / rank (lora) or alpha / sqrt(rank) (rslora).")
        double alpha,

        @Doc("The linear maps that have an adapter: ends of their names, such as q_proj or self_attn.v_proj, in which *"
                + " stands for any letters; all-linear for all of attention and feed-forward, experts among them.")
        List<String> targets,

        @Doc("lora, or rslora, whose scale falls more slowly with the rank.")
        LowRankAdapter.Variant variant,

        @Doc("0: sampling and training compute the same, so nothing is dropped.")
        double dropout) {
    private static final int LARGEST_RANK = 65_536;

    public AdapterSection {
        Rule.check(path == null || !path.isBlank(), "path", "a folder", "'" + path + "'");
        Rule.check(
                path == null || rank == 0,
                "rank",
                "left out with adapter.path, since the folder says what it is",
                rank);
        Rule.check(rank >= 0 && rank <= LARGEST_RANK, "rank", "in [0, " + LARGEST_RANK + "]", rank);
        Rule.check(alpha > 0 && Double.isFinite(alpha), "alpha", "> 0 and finite", alpha);
        targets = List.copyOf(targets);
        Rule.check(!targets.isEmpty(), "targets", "at least one ('" + LowRankAdapter.ALL_LINEAR + "')", targets);
        Rule.check(
                dropout == 0,
                "dropout",
                "0, because the policy that samples and the one that is trained would differ",
                dropout);
    }

    /** None; alpha 32 beside all linear maps where only a rank is given. */
    public AdapterSection() {
        this(null, 0, 32, List.of(LowRankAdapter.ALL_LINEAR), LowRankAdapter.Variant.LORA, 0);
    }

    /** Whether there is an adapter. */
    public boolean isOn() {
        return isNew() || path != null;
    }

    /** Whether there is one that begins with nothing. */
    public boolean isNew() {
        return rank > 0;
    }

    /** The same with the folder's whole path, so that a run can be continued from anywhere. */
    public AdapterSection located() {
        return path == null || !Files.isDirectory(Path.of(path))
                ? this
                : new AdapterSection(
                        Path.of(path).toAbsolutePath().normalize().toString(), rank, alpha, targets, variant, dropout);
    }

    /**
     * The parameters that are trained: those of the adapter, or of the model where there is none.
     *
     * @throws IllegalArgumentException where a target or a pattern names nothing of the model's
     */
    ParameterSelection trained(ModelSection model, ModelConfig config) {
        if (path != null) {
            return ParameterSelection.of(
                    config, AdapterFolder.open(Path.of(path)).adapter(config));
        }
        return isNew()
                ? ParameterSelection.of(config, LowRankAdapter.of(config, rank, alpha, variant, targets))
                : model.trained(config);
    }

    /** What an adapter begins with: the folder's, or nothing that changes the model. */
    Consumer<Parameters> beginning(long seed) {
        return path != null
                ? parameters -> AdapterFolder.open(Path.of(path)).load(parameters)
                : parameters -> parameters.initialiseAdapter(seed);
    }

    /** Refuses a part of the model to be trained beside the adapter. */
    void requireAlone(ModelSection model) {
        Rule.check(
                !isOn() || model.trainable().equals(new ModelSection().trainable()),
                "adapter",
                "without model.trainable, because an adapter leaves all of the model's weights as they are",
                "an adapter and model.trainable " + model.trainable());
    }
}

package org.minpro.objective;

import java.util.List;
import java.util.Map;
import org.minpro.config.NamedRecords;

/** The table of objectives: name, record class and one line each, sorted; a class name works in place of a name. */
public final class Objectives {
    private static final NamedRecords<Objective> TABLE = new NamedRecords<>(
            "objective",
            Objective.class,
            List.of(
                    new NamedRecords.Entry<>(
                            "drpo",
                            Drpo.class,
                            "live ratios with a quadratic penalty of how far the probability moved"),
                    new NamedRecords.Entry<>(
                            "dual-clip",
                            DualClip.class,
                            "PPO clip with a bound for unlikely bad tokens that became likely"),
                    new NamedRecords.Entry<>(
                            "gspo-sequence",
                            GspoSequence.class,
                            "PPO clip on the ratio of the whole sequence, one loss per response"),
                    new NamedRecords.Entry<>(
                            "luspo", Luspo.class, "the sequence loss of GSPO times the length of the response"),
                    new NamedRecords.Entry<>(
                            "gmpo", Gmpo.class, "geometric mean of ratios that are clipped on one side each"),
                    new NamedRecords.Entry<>("sapo", Sapo.class, "token ratios through a sigmoid in place of a clip"),
                    new NamedRecords.Entry<>("topr", Topr.class, "likely again what was good, taper off what was bad"),
                    new NamedRecords.Entry<>(
                            "tis-reinforce", TisReinforce.class, "policy gradient with capped importance weights"),
                    new NamedRecords.Entry<>("kimi", Kimi.class, "policy gradient with a quadratic of the log ratio"),
                    new NamedRecords.Entry<>("aspo", Aspo.class, "flipped ratios where the advantage is positive"),
                    new NamedRecords.Entry<>(
                            "decoupled-ppo",
                            DecoupledPpo.class,
                            "PPO clip against the proximal policy, weighted by its ratio to the one that sampled"),
                    new NamedRecords.Entry<>(
                            "a3po", A3po.class, "decoupled PPO with a proximal policy between the two others, by age"),
                    new NamedRecords.Entry<>(
                            "minirl",
                            MiniRl.class,
                            "capped weights; left out where PPO would clip against the proximal policy"),
                    new NamedRecords.Entry<>(
                            "dppo-tv",
                            DppoTv.class,
                            "capped weights; left out where the probability itself moved too far"),
                    new NamedRecords.Entry<>(
                            "dppo-kl",
                            DppoKl.class,
                            "capped weights; left out where the token's binary KL is too large"),
                    new NamedRecords.Entry<>(
                            "prime-rl",
                            PrimeRl.class,
                            "live ratios, left out where the probability moved too far, with a quadratic of the log ratio"),
                    new NamedRecords.Entry<>(
                            "ctpo", Ctpo.class, "PPO clip on prefix ratios with a window that grows with the position"),
                    new NamedRecords.Entry<>("pnpo", Pnpo.class, "the geometric mean of the ratios up to the token"),
                    new NamedRecords.Entry<>(
                            "cppo", Cppo.class, "left out where the divergence along the response exceeds its budget"),
                    new NamedRecords.Entry<>("vespo", Vespo.class, "a smooth weight of the product over the response"),
                    new NamedRecords.Entry<>("sspo", Sspo.class, "geometric mean of soft gates over the response"),
                    new NamedRecords.Entry<>(
                            "gepo", Gepo.class, "PPO clip on sequence probabilities over their group's expectation"),
                    new NamedRecords.Entry<>(
                            "kpo", Kpo.class, "PPO clip on log ratios that a Kalman filter smooths along the response"),
                    new NamedRecords.Entry<>(
                            "trm", Trm.class, "whole responses left out by the divergence of their tokens"),
                    new NamedRecords.Entry<>(
                            "mis-po",
                            MisPo.class,
                            "policy gradient on tokens and responses near the policy that sampled"),
                    new NamedRecords.Entry<>(
                            "opsm", Opsm.class, "PPO clip without bad responses that the policy has left behind"),
                    new NamedRecords.Entry<>(
                            "vcpo",
                            Vcpo.class,
                            "capped weights of whole responses, a baseline of least variance, a rate that follows the"
                                    + " sample size"),
                    new NamedRecords.Entry<>(
                            "clip-cov",
                            ClipCov.class,
                            "PPO clip; some tokens that would change the entropy most are left out"),
                    new NamedRecords.Entry<>(
                            "kl-cov",
                            KlCov.class,
                            "live ratios; a distance on the tokens that would change the entropy most"),
                    new NamedRecords.Entry<>(
                            "prefix-weight",
                            PrefixWeight.class,
                            "the weight of the preceding prefix times the token's ratio, in nine kinds"),
                    new NamedRecords.Entry<>("cispo", Cispo.class, "token ratios as capped constant weights"),
                    new NamedRecords.Entry<>("dapo", Dapo.class, "PPO clip with a wider upper side"),
                    new NamedRecords.Entry<>("grpo", Grpo.class, "PPO clip on token ratios"),
                    new NamedRecords.Entry<>("gspo", Gspo.class, "PPO clip on the ratio of the whole sequence"),
                    new NamedRecords.Entry<>("m2po", M2po.class, "trust region in the second moment of the log ratio"),
                    new NamedRecords.Entry<>(
                            "minpro", MinPro.class, "token ratios times the minimum ratio of the preceding prefix"),
                    new NamedRecords.Entry<>("prefix", PrefixRatio.class, "the full prefix product as capped weight"),
                    new NamedRecords.Entry<>("reinforce", Reinforce.class, "policy gradient without correction")));

    private Objectives() {}

    /** The table itself, for binding configurations. */
    public static NamedRecords<Objective> table() {
        return TABLE;
    }

    /** All entries, in the order of their names. */
    public static List<NamedRecords.Entry<Objective>> entries() {
        return TABLE.entries();
    }

    /** The objective of that name with its default parameters. */
    public static Objective of(String name) {
        return of(name, Map.of());
    }

    /** The objective of that name, or of that class on the context class path, with some parameters changed. */
    public static Objective of(String name, Map<String, ?> parameters) {
        return of(name, parameters, Objectives.class.getClassLoader());
    }

    /**
     * The objective of that name or class.
     *
     * @param name a name of the table, or a class name such as {@code com.acme.MyObjective}
     * @param parameters values by kebab-case name, such as {@code prefix-minimum-includes-one}
     * @param loader where a class name is looked up
     * @throws IllegalArgumentException naming everything that is wrong
     */
    public static Objective of(String name, Map<String, ?> parameters, ClassLoader loader) {
        return TABLE.create(name, parameters, loader);
    }

    /** The parameters of an objective's record with their defaults, by kebab-case name, in order. */
    public static Map<String, Object> defaults(String name) {
        return TABLE.parameters(of(name));
    }

    /** The name of an objective in the table, or its class name. */
    public static String nameOf(Objective objective) {
        return TABLE.nameOf(objective);
    }
}

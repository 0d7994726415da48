package org.minpro.advantage;

import java.util.List;
import java.util.Map;
import org.minpro.config.NamedRecords;

/** The table of advantage estimators: name, record class and one line each, sorted; a class name works too. */
public final class Advantages {
    private static final NamedRecords<Advantage> TABLE = new NamedRecords<>(
            "advantage",
            Advantage.class,
            List.of(
                    new NamedRecords.Entry<>("centered", Centered.class, "reward minus the group's mean"),
                    new NamedRecords.Entry<>("dr-grpo", Centered.class, "another name of centered"),
                    new NamedRecords.Entry<>(
                            "gdpo",
                            GroupDecoupled.class,
                            "each part of the reward relative to its group, added up and whitened"),
                    new NamedRecords.Entry<>(
                            "gpg", GroupPolicyGradient.class, "reward minus the group's mean, times all over rewarded"),
                    new NamedRecords.Entry<>(
                            "grpo", GroupRelative.class, "reward minus the group's mean, over the group's std"),
                    new NamedRecords.Entry<>(
                            "grpo-process",
                            ProcessRelative.class,
                            "grpo of the rewards of steps or turns, each on the tokens before it"),
                    new NamedRecords.Entry<>("maxrl", MaxRl.class, "reward minus the group's mean, over that mean"),
                    new NamedRecords.Entry<>("opo", OptimalBaseline.class, "reward minus the group's mean over tokens"),
                    new NamedRecords.Entry<>(
                            "pass-at-k",
                            PassAtK.class,
                            "the best response's lead over the second, over the group's std"),
                    new NamedRecords.Entry<>(
                            "reinforce-plus-plus",
                            ReinforcePlusPlus.class,
                            "discounted reward to go, whitened over the iteration"),
                    new NamedRecords.Entry<>(
                            "reinforce-plus-plus-baseline",
                            ReinforcePlusPlusBaseline.class,
                            "reward minus the group's mean, whitened over the iteration"),
                    new NamedRecords.Entry<>(
                            "remax", ReMax.class, "reward minus that of the greedy response to the same prompt"),
                    new NamedRecords.Entry<>("rloo", LeaveOneOut.class, "reward minus the mean of the others"),
                    new NamedRecords.Entry<>(
                            "turn-relative",
                            TurnRelative.class,
                            "reward to go of each turn, relative to the same turn of the group")));

    private Advantages() {}

    /** The table itself, for binding configurations. */
    public static NamedRecords<Advantage> table() {
        return TABLE;
    }

    /** All entries, in the order of their names. */
    public static List<NamedRecords.Entry<Advantage>> entries() {
        return TABLE.entries();
    }

    /** The estimator of that name with its default parameters. */
    public static Advantage of(String name) {
        return of(name, Map.of(), Advantages.class.getClassLoader());
    }

    /**
     * The estimator of that name or class.
     *
     * @param parameters values by kebab-case name, such as {@code epsilon}
     * @param loader where a class name is looked up
     * @throws IllegalArgumentException naming everything that is wrong
     */
    public static Advantage of(String name, Map<String, ?> parameters, ClassLoader loader) {
        return TABLE.create(name, parameters, loader);
    }

    /** The parameters of an estimator's record with their defaults, by kebab-case name, in order. */
    public static Map<String, Object> defaults(String name) {
        return TABLE.parameters(of(name));
    }

    public static String nameOf(Advantage advantage) {
        return TABLE.nameOf(advantage);
    }
}

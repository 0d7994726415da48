package org.minpro.reward;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.minpro.config.NamedRecords;

/**
 * The table of rewards: name, record class and one line each; a class name works in place of a name.
 *
 * <p>A newcomer adds one with a record that implements {@link Reward} and one line below.
 */
public final class Rewards {
    private static final NamedRecords<Reward> TABLE = new NamedRecords<Reward>(
            "reward",
            Reward.class,
            List.of(
                    new NamedRecords.Entry<>("format", FormatReward.class, "whether a regular expression matches"),
                    new NamedRecords.Entry<>("http", HttpReward.class, "what a service answers"),
                    new NamedRecords.Entry<>("java", JavaReward.class, "whether a program passes the problem's tests"),
                    new NamedRecords.Entry<>("json", JsonReward.class, "whether it is JSON of certain members"),
                    new NamedRecords.Entry<>("length", LengthPenalty.class, "a penalty that grows with the response"),
                    new NamedRecords.Entry<>("math", MathReward.class, "whether the answer equals the reference"),
                    new NamedRecords.Entry<>("overlong", OverlongPenalty.class, "DAPO's soft overlong punishment"),
                    new NamedRecords.Entry<>("weighted", WeightedReward.class, "the weighted sum of parts")),
            OwnReward::new);

    private Rewards() {}

    /** The table itself, for binding configurations. */
    public static NamedRecords<Reward> table() {
        return TABLE;
    }

    /** The reward of that name, or of that class on the context class path, with its defaults. */
    public static Reward of(String name) {
        return of(name, Map.of(), Rewards.class.getClassLoader());
    }

    /**
     * The reward of that name or class.
     *
     * @param name a name of the table, or a class name such as {@code com.acme.MyReward}
     * @param parameters values by kebab-case name, such as {@code maximum-tokens}
     * @param loader where a class name is looked up
     * @throws IllegalArgumentException naming everything that is wrong
     */
    public static Reward of(String name, Map<String, ?> parameters, ClassLoader loader) {
        return made(TABLE.create(name, parameters, loader));
    }

    /** A reward's class as a person knows it: its name in the table, or that of the class. */
    static String named(Class<?> type) {
        if (type.isHidden()) {
            // A lambda's own name is of no use to anybody.
            return type.getName().replaceFirst("\\$\\$Lambda.*", "") + "'s lambda";
        }
        return TABLE.entries().stream()
                .filter(entry -> entry.type() == type)
                .map(NamedRecords.Entry::name)
                .findFirst()
                .orElse(type.getName());
    }

    /** Whether an address in it has what may be a secret. */
    public static boolean hasSecrets(Reward reward) {
        return switch (reward) {
            case HttpReward http -> http.url().hasSecrets();
            case WeightedReward weighted ->
                weighted.parts().values().stream().anyMatch(part -> hasSecrets(part.reward()));
            default -> false;
        };
    }

    /**
     * The reward with each user's class that it names made, so that one that cannot be made, and an
     * environment variable that is missing, are found before a run starts. The caller closes it.
     *
     * @throws IllegalArgumentException with what a constructor threw
     */
    public static Reward made(Reward reward) {
        if (reward instanceof OwnReward own) {
            return own.make();
        }
        if (reward instanceof HttpReward http) {
            http.requireVariables();
        }
        if (reward instanceof JavaReward java) {
            return new CodeReward(java);
        }
        if (reward instanceof WeightedReward weighted) {
            Map<String, WeightedReward.Part> parts = new LinkedHashMap<>();
            try {
                weighted.parts()
                        .forEach((name, part) ->
                                parts.put(name, new WeightedReward.Part(made(part.reward()), part.weight())));
            } catch (RuntimeException | Error e) {
                parts.values().forEach(part -> part.reward().close());
                throw e;
            }
            return new WeightedReward(parts);
        }
        return reward;
    }
}

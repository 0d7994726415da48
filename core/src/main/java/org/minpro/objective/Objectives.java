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

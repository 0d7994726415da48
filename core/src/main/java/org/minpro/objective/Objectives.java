package org.minpro.objective;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The table of objectives: name and record class, sorted; a class name works in place of a name. */
public final class Objectives {
    private static final Map<String, Class<? extends Objective>> TABLE = new LinkedHashMap<>();

    static {
        TABLE.put("dapo", Dapo.class);
        TABLE.put("grpo", Grpo.class);
        TABLE.put("minpro", MinPro.class);
        TABLE.put("reinforce", Reinforce.class);
    }

    private Objectives() {}

    public static List<String> names() {
        return List.copyOf(TABLE.keySet());
    }

    /** The name of an objective in the table, or its class name. */
    public static String nameOf(Objective objective) {
        return TABLE.entrySet().stream()
                .filter(entry -> entry.getValue() == objective.getClass())
                .map(Map.Entry::getKey)
                .findFirst()
                .orElse(objective.getClass().getName());
    }
}

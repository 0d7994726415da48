package org.minpro.tool;

import java.util.List;

/**
 * Functions under one name in a recipe. A record that implements it has its public methods with {@link Tool} as functions, and its
 * components as parameters.
 *
 * <p>Functions are called from several threads at once.
 */
public interface Toolbox {
    /** The functions, at least one, ready to be called; made once for a run, and closed by whoever asked. */
    default List<ToolFunction> functions() {
        return MethodTool.of(this);
    }

    /** Whether a call with the same arguments always gives the same answer. */
    default boolean repeatable() {
        return true;
    }
}

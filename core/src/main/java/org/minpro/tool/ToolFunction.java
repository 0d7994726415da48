package org.minpro.tool;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A function that a policy may call. */
public interface ToolFunction extends AutoCloseable {
    String name();

    /** The JSON schema that chat templates take: {@code {"type": "function", "function": {"name", "description", "parameters"}}}. */
    Map<String, @Nullable Object> schema();

    /**
     * Calls it.
     *
     * @param arguments as JSON has them: strings, booleans, integers, floating-point numbers, lists, maps, nulls
     * @return what the model is told
     * @throws ToolException with what the model is told where the arguments are not those of the schema, or the function fails
     */
    String call(Map<String, @Nullable Object> arguments) throws ToolException;

    /** Frees what it holds; it may be called more than once. */
    @Override
    default void close() {}
}

package org.minpro.tool;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A Java method as a function: its name, its parameters and what {@link Tool} and {@link Argument} say.
 *
 * <p>Parameters are of {@code String}, {@code int}, {@code long}, {@code double}, {@code boolean}, their boxes, an enum, or a {@code
 * List} of such; the result is told as {@code String.valueOf} has it.
 */
public final class MethodTool implements ToolFunction {
    private final Object target;
    private final Method method;
    private final Tool tool;

    private MethodTool(Object target, Method method) {
        this.target = target;
        this.method = method;
        this.tool = Objects.requireNonNull(method.getAnnotation(Tool.class));
        for (Parameter parameter : method.getParameters()) {
            Argument argument = parameter.getAnnotation(Argument.class);
            if (argument == null) {
                throw new IllegalArgumentException("every parameter of a @Tool must have @Argument, got: "
                        + parameter.getName() + " of " + method);
            }
            if (argument.optional() && parameter.getType().isPrimitive()) {
                throw new IllegalArgumentException(
                        "an optional @Argument must be of a reference type, got: " + argument.name() + " of " + method);
            }
            schema(parameter.getParameterizedType());
        }
    }

    /**
     * The functions of an object: its public methods with {@link Tool}, by name.
     *
     * @throws IllegalArgumentException if it has none, two of one name, or one whose parameters are of no type that JSON has
     */
    public static List<ToolFunction> of(Object target) {
        if (!Modifier.isPublic(target.getClass().getModifiers())) {
            throw new IllegalArgumentException("a class with @Tool methods must be public, got: "
                    + target.getClass().getName());
        }
        List<ToolFunction> functions = new ArrayList<>();
        for (Method method : target.getClass().getMethods()) {
            if (method.isAnnotationPresent(Tool.class) && !method.isBridge()) {
                functions.add(new MethodTool(target, method));
            }
        }
        functions.sort(Comparator.comparing(ToolFunction::name));
        if (functions.isEmpty()) {
            throw new IllegalArgumentException("a class of tools must have a public method with @Tool, got: "
                    + target.getClass().getName());
        }
        for (int i = 1; i < functions.size(); i++) {
            if (functions.get(i).name().equals(functions.get(i - 1).name())) {
                throw new IllegalArgumentException("@Tool methods must have different names, got two of: "
                        + functions.get(i).name() + " in " + target.getClass().getName());
            }
        }
        return functions;
    }

    @Override
    public String name() {
        return method.getName();
    }

    @Override
    public Map<String, @Nullable Object> schema() {
        Map<String, @Nullable Object> properties = new LinkedHashMap<>();
        List<String> required = new ArrayList<>();
        for (Parameter parameter : method.getParameters()) {
            Argument argument = argument(parameter);
            Map<String, @Nullable Object> property = schema(parameter.getParameterizedType());
            property.put("description", argument.value());
            properties.put(argument.name(), property);
            if (!argument.optional()) {
                required.add(argument.name());
            }
        }
        Map<String, @Nullable Object> parameters = new LinkedHashMap<>();
        parameters.put("type", "object");
        parameters.put("properties", properties);
        parameters.put("required", required);
        Map<String, @Nullable Object> function = new LinkedHashMap<>();
        function.put("name", name());
        function.put("description", tool.value());
        function.put("parameters", parameters);
        Map<String, @Nullable Object> schema = new LinkedHashMap<>();
        schema.put("type", "function");
        schema.put("function", function);
        return schema;
    }

    private static Argument argument(Parameter parameter) {
        return Objects.requireNonNull(parameter.getAnnotation(Argument.class));
    }

    private static Map<String, @Nullable Object> schema(Type type) {
        Map<String, @Nullable Object> schema = new LinkedHashMap<>();
        if (type instanceof ParameterizedType list && list.getRawType() == List.class) {
            schema.put("type", "array");
            schema.put("items", schema(list.getActualTypeArguments()[0]));
            return schema;
        }
        if (type instanceof Class<?> plain && plain.isEnum()) {
            schema.put("type", "string");
            schema.put(
                    "enum",
                    Arrays.stream(plain.getEnumConstants()).map(String::valueOf).toList());
            return schema;
        }
        schema.put("type", jsonType(type));
        return schema;
    }

    private static String jsonType(Type type) {
        if (type == String.class) {
            return "string";
        }
        if (type == boolean.class || type == Boolean.class) {
            return "boolean";
        }
        if (type == int.class || type == Integer.class || type == long.class || type == Long.class) {
            return "integer";
        }
        if (type == double.class || type == Double.class) {
            return "number";
        }
        throw new IllegalArgumentException(
                "a parameter of a @Tool must be a String, an int, a long, a double, a boolean,"
                        + " an enum or a List of them, got: " + type.getTypeName());
    }

    @Override
    public String call(Map<String, @Nullable Object> arguments) throws ToolException {
        Parameter[] parameters = method.getParameters();
        @Nullable Object[] values = new @Nullable Object[parameters.length];
        List<String> names = new ArrayList<>();
        for (int i = 0; i < parameters.length; i++) {
            Argument argument = argument(parameters[i]);
            names.add(argument.name());
            Object given = arguments.get(argument.name());
            if (given != null) {
                values[i] = converted(argument.name(), given, parameters[i].getParameterizedType());
            } else if (!argument.optional()) {
                throw new ToolException("argument '" + argument.name() + "' is missing");
            }
        }
        for (String name : arguments.keySet()) {
            if (!names.contains(name)) {
                throw new ToolException("there is no argument '" + name + "'; the arguments are " + names);
            }
        }
        try {
            return String.valueOf(method.invoke(target, values));
        } catch (InvocationTargetException e) {
            switch (e.getCause()) {
                case ToolException told -> throw told;
                case Error error when !(error instanceof StackOverflowError) -> throw error;
                case null -> throw new ToolException("failed", e);
                case Throwable cause ->
                    throw new ToolException(
                            cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage(), cause);
            }
        } catch (IllegalAccessException e) {
            throw new IllegalStateException("a @Tool must be accessible, got: " + method, e);
        }
    }

    /** Strictly: the one thing that is turned into another is a whole number into a floating-point one. */
    private static Object converted(String name, Object given, Type type) throws ToolException {
        if (type instanceof ParameterizedType list) {
            if (!(given instanceof List<?> values)) {
                throw wrong(name, "a list", given);
            }
            List<Object> all = new ArrayList<>();
            for (Object value : values) {
                if (value == null) {
                    throw new ToolException("argument '" + name + "' must not have null in it");
                }
                all.add(converted(name, value, list.getActualTypeArguments()[0]));
            }
            return all;
        }
        if (type instanceof Class<?> constants && constants.isEnum()) {
            for (Object constant : constants.getEnumConstants()) {
                if (constant.toString().equals(given)) {
                    return constant;
                }
            }
            throw wrong(name, "one of " + Arrays.toString(constants.getEnumConstants()), given);
        }
        boolean whole = given instanceof Integer || given instanceof Long;
        switch (jsonType(type)) {
            case "string" -> {
                if (given instanceof String) {
                    return given;
                }
            }
            case "boolean" -> {
                if (given instanceof Boolean) {
                    return given;
                }
            }
            case "number" -> {
                if (whole || given instanceof Double) {
                    return ((Number) given).doubleValue();
                }
            }
            default -> {
                if (whole) {
                    return integer(name, ((Number) given).longValue(), type);
                }
            }
        }
        throw wrong(name, "of type " + jsonType(type), given);
    }

    private static Object integer(String name, long value, Type type) throws ToolException {
        if (type == long.class || type == Long.class) {
            return value;
        }
        if (value != (int) value) {
            throw wrong(name, "an integer of 32 bits", value);
        }
        return (int) value;
    }

    private static ToolException wrong(String name, String rule, Object given) {
        return new ToolException("argument '" + name + "' must be " + rule + ", got: " + given);
    }
}

package org.minpro.text.jinja;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The values that a call gives. */
record CallArguments(List<Object> positional, Map<String, Object> named) {
    static final CallArguments EMPTY = new CallArguments(List.of(), Map.of());

    static CallArguments of(Object... positional) {
        return new CallArguments(List.of(positional), Map.of());
    }

    /** The arguments with one before the others. */
    CallArguments after(Object first) {
        List<Object> all = new java.util.ArrayList<>(positional.size() + 1);
        all.add(first);
        all.addAll(positional);
        return new CallArguments(all, named);
    }

    /** The arguments without the first. */
    CallArguments rest() {
        return new CallArguments(positional.subList(1, positional.size()), named);
    }

    /**
     * Puts the arguments to parameters as Python does.
     *
     * @param parameters names; one that ends in {@code ?} may be absent
     */
    Bound bind(String function, String... parameters) {
        @Nullable Object[] values = new @Nullable Object[parameters.length];
        if (positional.size() > parameters.length) {
            throw JinjaException.of(
                    function + "() takes at most " + parameters.length + " arguments, got: " + positional.size());
        }
        for (int i = 0; i < positional.size(); i++) {
            values[i] = positional.get(i);
        }
        named.forEach((name, value) -> {
            int index = index(name, parameters);
            if (index < 0) {
                throw JinjaException.of(function + "() got an unexpected keyword argument '" + name + "'");
            }
            if (values[index] != null) {
                throw JinjaException.of(function + "() got multiple values for argument '" + name + "'");
            }
            values[index] = value;
        });
        for (int i = 0; i < parameters.length; i++) {
            if (values[i] == null && !parameters[i].endsWith("?")) {
                throw JinjaException.of(function + "() missing argument: '" + parameters[i] + "'");
            }
        }
        return new Bound(function, values);
    }

    private static int index(String name, String[] parameters) {
        for (int i = 0; i < parameters.length; i++) {
            if (parameters[i].equals(name) || parameters[i].equals(name + "?")) {
                return i;
            }
        }
        return -1;
    }

    /** Arguments at their parameters; an absent one is null. */
    record Bound(String function, @Nullable Object[] values) {
        boolean has(int index) {
            return values[index] != null;
        }

        Object get(int index) {
            Object value = values[index];
            if (value == null) {
                throw new IllegalStateException(function + " has no argument " + index);
            }
            return value;
        }

        Object get(int index, Object otherwise) {
            Object value = values[index];
            return value == null ? otherwise : value;
        }

        String string(int index) {
            if (get(index) instanceof String text) {
                return text;
            }
            throw JinjaException.of(function + "() needs a str, got: " + Values.typeName(get(index)));
        }

        String string(int index, String otherwise) {
            return has(index) ? string(index) : otherwise;
        }

        int integer(int index) {
            return Numbers.index(get(index));
        }

        int integer(int index, int otherwise) {
            return has(index) && get(index) != None.NONE ? integer(index) : otherwise;
        }

        boolean truth(int index) {
            return has(index) && Values.truth(get(index));
        }
    }
}

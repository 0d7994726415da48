package org.minpro.text.jinja;

/**
 * The value of a name or attribute that does not exist: prints as nothing, is false and empty, and fails in any other use.
 *
 * @param message what such a use reports
 */
record Undefined(String message) {
    static Undefined name(String name) {
        return new Undefined("'" + name + "' is undefined");
    }

    static Undefined attribute(Object object, String name) {
        return new Undefined("'" + owner(object) + "' has no attribute " + Strings.repr(name));
    }

    static Undefined element(Object object, Object index) {
        return new Undefined(owner(object) + " has no element " + Values.repr(index));
    }

    private static String owner(Object object) {
        return switch (object) {
            case None none -> "None";
            case Loop loop -> "jinja2.runtime.LoopContext object";
            default -> Values.typeName(object) + " object";
        };
    }

    JinjaException failure() {
        return JinjaException.of(message);
    }
}

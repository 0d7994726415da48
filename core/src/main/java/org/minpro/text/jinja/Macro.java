package org.minpro.text.jinja;

/** A macro of a template. */
record Macro(String name, Callable body) implements Callable {
    @Override
    public Object call(CallArguments arguments) {
        return body.call(arguments);
    }
}

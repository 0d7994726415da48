package org.minpro.text.jinja;

/** A value that a template can call: a macro, a method of a value, or one of the global functions. */
@FunctionalInterface
interface Callable {
    Object call(CallArguments arguments);
}

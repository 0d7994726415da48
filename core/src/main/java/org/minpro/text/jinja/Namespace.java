package org.minpro.text.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** What {@code namespace()} makes: the one value of a template whose attributes can be set, from any scope. */
final class Namespace {
    private final Map<String, Object> attributes = new LinkedHashMap<>();

    Map<String, Object> attributes() {
        return attributes;
    }

    void set(String name, Object value) {
        if (name.startsWith("_")) {
            throw JinjaException.of("an attribute of a namespace must not begin with an underscore, got: " + name);
        }
        attributes.put(name, value);
    }
}

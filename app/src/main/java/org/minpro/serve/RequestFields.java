package org.minpro.serve;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.minpro.config.NearestName;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The members of a request, read with their rules; a null counts as absent, and one that nobody reads is refused. */
final class RequestFields {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final ObjectNode body;
    private final Set<String> known = new HashSet<>();

    private RequestFields(ObjectNode body) {
        this.body = body;
    }

    static RequestFields of(byte[] body) {
        JsonNode read;
        try {
            read = JSON.readTree(body);
        } catch (JacksonException e) {
            throw new RefusedRequestException(400, null, "the body must be JSON, got: " + e.getOriginalMessage());
        }
        if (!(read instanceof ObjectNode object)) {
            throw new RefusedRequestException(400, null, "the body must be a JSON object, got: " + read.getNodeType());
        }
        return new RequestFields(object);
    }

    @Nullable JsonNode node(String name) {
        known.add(name);
        JsonNode value = body.get(name);
        return value == null || value.isNull() ? null : value;
    }

    @Nullable String text(String name) {
        JsonNode value = node(name);
        if (value != null && !value.isString()) {
            throw wrong(name, "a text", value);
        }
        return value == null ? null : value.stringValue();
    }

    boolean flag(String name) {
        JsonNode value = node(name);
        if (value != null && !value.isBoolean()) {
            throw wrong(name, "true or false", value);
        }
        return value != null && value.booleanValue();
    }

    @Nullable Long whole(String name, long least, long most) {
        JsonNode value = node(name);
        if (value == null) {
            return null;
        }
        if (!value.isIntegralNumber()
                || !value.canConvertToLong()
                || value.longValue() < least
                || value.longValue() > most) {
            throw wrong(
                    name,
                    "a whole number " + (most == Long.MAX_VALUE ? ">= " + least : "in [" + least + ", " + most + "]"),
                    value);
        }
        return value.longValue();
    }

    double number(String name, double otherwise) {
        JsonNode value = node(name);
        if (value != null && !value.isNumber()) {
            throw wrong(name, "a number", value);
        }
        return value == null ? otherwise : value.doubleValue();
    }

    /** A text or a list of texts. */
    List<String> texts(String name, int most) {
        JsonNode value = node(name);
        List<String> texts = new ArrayList<>();
        if (value == null) {
            return texts;
        }
        for (JsonNode one : value.isArray() ? value : List.of(value)) {
            if (!one.isString() || one.stringValue().isEmpty() || texts.size() == most) {
                throw wrong(name, "a text or up to " + most + " texts, none of them empty", value);
            }
            texts.add(one.stringValue());
        }
        return texts;
    }

    /** A list of token ids. */
    static int[] ids(String name, JsonNode value, int vocabulary) {
        int[] ids = new int[value.size()];
        for (int i = 0; i < ids.length; i++) {
            JsonNode id = value.get(i);
            if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0 || id.intValue() >= vocabulary) {
                throw wrong(name, "of token ids in [0, " + vocabulary + ")", id);
            }
            ids[i] = id.intValue();
        }
        return ids;
    }

    /** Members that have no effect. */
    void ignore(String... names) {
        known.addAll(List.of(names));
    }

    /**
     * A member that this server does not act on, allowed where it asks for nothing.
     *
     * @param nothing what it may be beside absent, null, false, 0 and empty
     */
    void requireNothing(String name, String nothing) {
        JsonNode value = node(name);
        boolean asksForNothing = value == null
                || value.isBoolean() && !value.booleanValue()
                || value.isNumber() && value.doubleValue() == 0
                || value.isContainer() && value.isEmpty()
                || value.toString().equals(nothing);
        if (!asksForNothing) {
            throw RefusedRequestException.bad(name, name + " is not supported by this server, got: " + shown(value));
        }
    }

    /** Refuses members that nothing has read. */
    void requireAllKnown() {
        body.propertyNames().forEach(name -> {
            if (!known.contains(name)) {
                throw RefusedRequestException.bad(
                        name, "unknown member '" + name + "'." + NearestName.hint(name, known));
            }
        });
    }

    static RefusedRequestException wrong(String name, String rule, @Nullable JsonNode got) {
        return RefusedRequestException.bad(name, name + " must be " + rule + ", got: " + shown(got));
    }

    private static String shown(@Nullable JsonNode value) {
        String text = String.valueOf(value);
        return text.length() <= 80 ? text : text.substring(0, 80) + "…";
    }
}

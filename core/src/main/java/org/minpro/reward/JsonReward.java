package org.minpro.reward;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.config.JsonProblem;
import org.minpro.config.Rule;
import org.minpro.data.Problem;
import org.minpro.rollout.Rollout;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Whether a response is a JSON object with certain members and no others: its last fenced block, or all of it. A member of
 * another type, a missing one, one too many and one given twice do not match.
 *
 * <p>A program says it with a record: {@link #of}.
 */
public record JsonReward(
        @Doc(
                "Type of each member by name: text, integer, number, boolean, list, object or any; with a question mark behind"
                        + " it the member may be absent or null.")
        Map<String, String> fields,

        @Doc("Value of a response that matches.") double match,
        @Doc("Value of one that does not.") double mismatch)
        implements Reward {
    private static final JsonMapper STRICT = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .build();

    public JsonReward {
        fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
        Rule.check(!fields.isEmpty(), "fields", "at least one member", fields);
        fields.forEach((name, type) -> Rule.check(
                Type.of(type) != null,
                "fields." + name,
                "one of text, integer, number, boolean, list, object, any, or one of them with a question mark",
                type));
        Score.check("match", match);
        Score.check("mismatch", mismatch);
    }

    /** One for a response that matches, else zero. */
    public JsonReward(Map<String, String> fields) {
        this(fields, 1, 0);
    }

    /** What a member may be. */
    private enum Type {
        TEXT,
        INTEGER,
        NUMBER,
        BOOLEAN,
        LIST,
        OBJECT,
        ANY;

        static @Nullable Type of(String name) {
            String plain = name.endsWith("?") ? name.substring(0, name.length() - 1) : name;
            for (Type type : values()) {
                if (type.name().toLowerCase(Locale.ROOT).equals(plain)) {
                    return type;
                }
            }
            return null;
        }

        boolean admits(JsonNode value) {
            return switch (this) {
                case TEXT -> value.isString();
                case INTEGER -> value.isIntegralNumber();
                case NUMBER -> value.isNumber();
                case BOOLEAN -> value.isBoolean();
                case LIST -> value.isArray();
                case OBJECT -> value.isObject();
                case ANY -> true;
            };
        }
    }

    /**
     * A reward that is 1 where the response's JSON binds to a record with nothing left over, else 0; for programs.
     *
     * @param type its components are the members; a component of a reference type may be null only where the JSON says so
     */
    public static Reward of(Class<? extends Record> type) {
        return (problem, rollout) -> {
            try {
                Record bound = STRICT.readValue(FencedBlock.last(rollout.text()), type);
                return bound == null ? Score.of(0, "null") : Score.of(1, "binds");
            } catch (JacksonException e) {
                return Score.of(0, JsonProblem.of(e));
            }
        };
    }

    @Override
    public Score score(Problem problem, Rollout rollout) {
        String reason;
        try {
            reason = mismatchOf(STRICT.readTree(FencedBlock.last(rollout.text())));
        } catch (JacksonException e) {
            reason = "no JSON: " + JsonProblem.of(e);
        }
        return reason.isEmpty() ? Score.of(match, "matches") : Score.of(mismatch, reason);
    }

    private String mismatchOf(JsonNode object) {
        if (!object.isObject()) {
            return "no object";
        }
        for (Map.Entry<String, String> field : fields.entrySet()) {
            JsonNode value = object.path(field.getKey());
            boolean optional = field.getValue().endsWith("?");
            boolean absent =
                    value.isMissingNode() || value.isNull() && !field.getValue().startsWith("any");
            if (absent
                    ? !optional
                    : !Objects.requireNonNull(Type.of(field.getValue())).admits(value)) {
                return field.getKey() + " must be " + field.getValue() + ", got: "
                        + (value.isMissingNode() ? "nothing" : value.getNodeType());
            }
        }
        for (String name : object.propertyNames()) {
            if (!fields.containsKey(name)) {
                return "a member too many: " + name;
            }
        }
        return "";
    }
}

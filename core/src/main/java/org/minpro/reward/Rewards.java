package org.minpro.reward;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import org.minpro.config.NearestName;
import org.minpro.verify.AnswerExtractor;
import org.minpro.verify.ExtractionPolicy;
import org.minpro.verify.Limits;
import org.minpro.verify.Occurrence;
import org.minpro.verify.Verifier;

/**
 * The rewards by name, and a user's own by class name.
 *
 * <p>A newcomer adds one with a record that implements {@link Reward} and one line in the table below.
 */
public final class Rewards {
    private static final SortedMap<String, Function<Parameters, Reward>> TABLE = new TreeMap<>(Map.of(
            "format", Rewards::format,
            "http", Rewards::http,
            "length", Rewards::length,
            "math", Rewards::math,
            "overlong", Rewards::overlong,
            "weighted", Rewards::weighted));

    private Rewards() {}

    /** The names of the built-in rewards, sorted. */
    public static List<String> names() {
        return List.copyOf(TABLE.keySet());
    }

    /** The reward of that name with its defaults. */
    public static Reward create(String name) {
        return create(name, Map.of(), Rewards.class.getClassLoader());
    }

    /**
     * The built-in reward of that name, or an instance of the user's class of that name.
     *
     * @param name a name of the table, or a class name, recognised by its dot
     * @param parameters the reward's parameters by kebab-case name, such as {@code maximum-tokens}; a class gets them if it
     *     has a constructor {@code (Map<String, Object>)}
     * @param loader finds the user's classes
     * @throws IllegalArgumentException with one line that says what to change
     */
    public static Reward create(String name, Map<String, ?> parameters, @Nullable ClassLoader loader) {
        return create(name, parameters, loader, List.of());
    }

    /**
     * As {@link #create(String, Map, ClassLoader)}.
     *
     * @param others names that the caller makes itself, for the message about an unknown one
     */
    public static Reward create(
            String name, Map<String, ?> parameters, @Nullable ClassLoader loader, List<String> others) {
        Function<Parameters, Reward> factory = TABLE.get(name);
        if (factory != null) {
            Parameters read = new Parameters(name, parameters, loader);
            Reward reward = factory.apply(read);
            read.rejectUnknown();
            return reward;
        }
        if (name.indexOf('.') > 0) {
            return instance(name, parameters, loader);
        }
        TreeSet<String> names = new TreeSet<>(TABLE.keySet());
        names.addAll(others);
        throw new IllegalArgumentException("reward must be one of " + String.join(", ", names)
                + ", or the name of a class with its package, got: '" + name + "'." + NearestName.hint(name, names));
    }

    private static Reward math(Parameters p) {
        String from = p.text("answer-from", "automatic");
        String which = p.text("occurrence", "last");
        Occurrence occurrence = p.choice("occurrence", which, Occurrence.values());
        AnswerExtractor extractor = from.equals("automatic")
                ? new AnswerExtractor(AnswerExtractor.AUTOMATIC.policies(), occurrence)
                : new AnswerExtractor(policies(p, from), occurrence);
        return new MathReward(new Verifier(extractor, Limits.STANDARD), p.number("right", 1.0), p.number("wrong", 0.0));
    }

    private static List<ExtractionPolicy> policies(Parameters p, String names) {
        List<ExtractionPolicy> policies = new ArrayList<>();
        for (String name : names.split(",")) {
            policies.add(p.choice("answer-from", name.strip(), ExtractionPolicy.values()));
        }
        return policies;
    }

    private static Reward format(Parameters p) {
        String pattern = p.text("pattern", null);
        try {
            return FormatReward.of(pattern, p.number("match", 1.0), p.number("mismatch", 0.0));
        } catch (PatternSyntaxException e) {
            throw p.problem(
                    "pattern", "a regular expression of java.util.regex", pattern + " (" + e.getDescription() + ")");
        }
    }

    private static Reward length(Parameters p) {
        return new LengthPenalty(p.integer("maximum-tokens", null), p.number("factor", 1.0));
    }

    private static Reward overlong(Parameters p) {
        return new OverlongPenalty(
                p.integer("maximum-tokens", null), p.integer("buffer-tokens", null), p.number("factor", 1.0));
    }

    private static Reward http(Parameters p) {
        String url = p.text("url", null);
        URI uri;
        try {
            uri = URI.create(url);
        } catch (IllegalArgumentException e) {
            throw p.problem("url", "an http or https address", url);
        }
        double seconds = p.number("budget-seconds", 10.0);
        return new HttpReward(uri, Duration.ofNanos((long) (seconds * 1e9)), p.integer("attempts", 3));
    }

    private static Reward weighted(Parameters p) {
        Map<String, WeightedReward.Term> terms = new java.util.LinkedHashMap<>();
        for (Map.Entry<String, ?> entry : p.map("parts").entrySet()) {
            if (!(entry.getValue() instanceof Map<?, ?> settings)) {
                throw p.problem(
                        "parts." + entry.getKey(), "a map with weight and the reward's parameters", entry.getValue());
            }
            Map<String, Object> rest = new TreeMap<>();
            settings.forEach((key, value) -> rest.put(String.valueOf(key), value));
            Object weight = rest.remove("weight");
            Object name = rest.remove("reward");
            if (weight != null && !(weight instanceof Number)) {
                throw p.problem("parts." + entry.getKey() + ".weight", "a number", weight);
            }
            Reward reward = create(name == null ? entry.getKey() : name.toString(), rest, p.loader);
            terms.put(
                    entry.getKey(),
                    new WeightedReward.Term(reward, weight instanceof Number number ? number.doubleValue() : 1.0));
        }
        return new WeightedReward(terms);
    }

    /**
     * The user's class of that name.
     *
     * @throws IllegalArgumentException if there is none, or it is no reward
     */
    public static Class<?> requireClass(String className, @Nullable ClassLoader loader) {
        Class<?> type;
        try {
            type = Class.forName(className, true, loader);
        } catch (ClassNotFoundException | LinkageError e) {
            throw new IllegalArgumentException(
                    "reward must be a class on the class path, got: " + className + " (" + e
                            + "); name its jar with --class-path",
                    e);
        }
        if (!Reward.class.isAssignableFrom(type)) {
            throw new IllegalArgumentException(
                    "reward must implement " + Reward.class.getName() + ", got: " + className);
        }
        return type;
    }

    private static Reward instance(String className, Map<String, ?> parameters, @Nullable ClassLoader loader) {
        Class<?> type = requireClass(className, loader);
        try {
            Constructor<?> constructor;
            try {
                constructor = type.getConstructor(Map.class);
                return (Reward) constructor.newInstance(new TreeMap<>(parameters));
            } catch (NoSuchMethodException e) {
                if (!parameters.isEmpty()) {
                    throw new IllegalArgumentException(
                            "parameters of reward " + className
                                    + " must be empty unless it has a public constructor (Map<String, Object>), got: "
                                    + new TreeMap<>(parameters),
                            e);
                }
                return (Reward) type.getConstructor().newInstance();
            }
        } catch (InvocationTargetException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new IllegalArgumentException("reward " + className + " must construct, got: " + cause, cause);
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException(
                    "reward " + className + " must be public with a public constructor without arguments or with a"
                            + " Map<String, Object>, got: " + e,
                    e);
        }
    }

    /** The parameters of one reward, each asked for by name, so that one left over is an error. */
    private static final class Parameters {
        private final String reward;
        private final Map<String, ?> given;
        private final @Nullable ClassLoader loader;
        private final TreeSet<String> known = new TreeSet<>();

        Parameters(String reward, Map<String, ?> given, @Nullable ClassLoader loader) {
            this.reward = reward;
            this.given = given;
            this.loader = loader;
        }

        IllegalArgumentException problem(String name, String rule, @Nullable Object got) {
            return new IllegalArgumentException("reward " + reward + ": " + name + " must be " + rule + ", got: "
                    + (got == null ? "nothing" + unknownNear(name) : got));
        }

        /** The name that was given in place of the right one, if any. */
        private String unknownNear(String name) {
            return NearestName.of(name, given.keySet())
                    .map(near -> " (and '" + near + "', which it does not have)")
                    .orElse("");
        }

        private @Nullable Object find(String name) {
            known.add(name);
            return given.get(name);
        }

        String text(String name, @Nullable String otherwise) {
            Object value = find(name);
            if (value == null && otherwise != null) {
                return otherwise;
            }
            if (!(value instanceof String text)) {
                throw problem(name, "a text", value);
            }
            return text;
        }

        double number(String name, double otherwise) {
            Object value = find(name);
            if (value == null) {
                return otherwise;
            }
            if (!(value instanceof Number number) || !Double.isFinite(number.doubleValue())) {
                throw problem(name, "a finite number", value);
            }
            return number.doubleValue();
        }

        int integer(String name, @Nullable Integer otherwise) {
            Object value = find(name);
            if (value == null && otherwise != null) {
                return otherwise;
            }
            if (!(value instanceof Number number)
                    || number.doubleValue() != Math.rint(number.doubleValue())
                    || Math.abs(number.doubleValue()) > Integer.MAX_VALUE) {
                throw problem(name, "an integer", value);
            }
            return number.intValue();
        }

        <T extends Enum<T>> T choice(String name, String value, T[] choices) {
            List<String> names = new ArrayList<>();
            for (T choice : choices) {
                String text = choice.name().toLowerCase(Locale.ROOT).replace('_', '-');
                if (text.equals(value)) {
                    return choice;
                }
                names.add(text);
            }
            throw problem(
                    name, "one of " + String.join(", ", names), "'" + value + "'." + NearestName.hint(value, names));
        }

        Map<String, ?> map(String name) {
            Object value = find(name);
            if (!(value instanceof Map<?, ?> map) || map.isEmpty()) {
                throw problem(name, "a map of name to reward", value);
            }
            Map<String, Object> copy = new java.util.LinkedHashMap<>();
            map.forEach((key, part) -> copy.put(String.valueOf(key), part == null ? Map.of() : part));
            return copy;
        }

        void rejectUnknown() {
            for (String name : given.keySet()) {
                if (!known.contains(name)) {
                    throw new IllegalArgumentException("reward " + reward + ": parameters must be among "
                            + String.join(", ", known) + ", got: '" + name + "'." + NearestName.hint(name, known));
                }
            }
        }
    }
}

package org.minpro.reward;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.minpro.config.ByClassName;
import org.minpro.data.Problem;
import org.minpro.rollout.Rollout;

/**
 * What a recipe holds for a user's reward that is no record: its class and its parameters. The reward itself is made by {@link
 * Rewards#made} when a run starts, once for each run; where nobody asks for that, by the first score.
 *
 * <p>The class has a public constructor that takes a {@code Map<String, Object>}, or else one without arguments.
 */
final class OwnReward implements Reward, ByClassName {
    private final Class<? extends Reward> type;
    private final Map<String, @Nullable Object> parameters;
    private @Nullable Reward made;

    /** @throws IllegalArgumentException "must …" where there is no such constructor */
    OwnReward(Class<? extends Reward> type, Map<String, @Nullable Object> parameters) {
        this.type = type;
        this.parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
        boolean constructible = Modifier.isPublic(type.getModifiers())
                && !Modifier.isAbstract(type.getModifiers())
                && (constructor(Map.class) != null || constructor() != null);
        if (!constructible) {
            throw new IllegalArgumentException(
                    "must be a record, or public with a public constructor without arguments or"
                            + " with a Map<String, Object>, got: " + type.getName());
        }
        if (!parameters.isEmpty() && constructor(Map.class) == null) {
            throw new IllegalArgumentException(
                    "must have no parameters unless it is a record or has a public constructor (Map<String, Object>), got: "
                            + parameters + " for " + type.getName());
        }
    }

    private @Nullable Constructor<? extends Reward> constructor(Class<?>... arguments) {
        try {
            return type.getConstructor(arguments);
        } catch (NoSuchMethodException e) {
            return null;
        }
    }

    /**
     * A new instance of the class.
     *
     * @throws IllegalArgumentException with what its constructor threw
     */
    Reward make() {
        Constructor<? extends Reward> withParameters = constructor(Map.class);
        try {
            return withParameters != null
                    ? withParameters.newInstance(new LinkedHashMap<>(parameters))
                    : Objects.requireNonNull(constructor()).newInstance();
        } catch (InvocationTargetException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new IllegalArgumentException("reward " + type.getName() + " must construct, got: " + cause, cause);
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException("reward " + type.getName() + " must construct, got: " + e, e);
        }
    }

    private synchronized Reward made() {
        if (made == null) {
            made = make();
        }
        return made;
    }

    @Override
    public Score score(Problem problem, Rollout rollout) {
        return made().score(problem, rollout);
    }

    @Override
    public synchronized void close() {
        if (made != null) {
            made.close();
        }
    }

    @Override
    public String described() {
        return Rewards.named(type);
    }

    @Override
    public Class<?> type() {
        return type;
    }

    @Override
    public Map<String, @Nullable Object> parameters() {
        return parameters;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof OwnReward own && type == own.type && parameters.equals(own.parameters);
    }

    @Override
    public int hashCode() {
        return Objects.hash(type, parameters);
    }

    @Override
    public String toString() {
        return type.getName() + parameters;
    }
}

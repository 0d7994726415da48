package org.minpro.config;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A component whose parameters may stand beside the other settings of its record, where the record is a value of a map: {@code
 * short: {weight: 0.1, reward: length, maximum-tokens: 100}} is {@code short: {weight: 0.1, reward: {name: length,
 * maximum-tokens: 100}}}.
 *
 * <p>The component is an interface of {@link NamedRecords}. Where it is not named, its name is the map's key.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Unwrapped {}

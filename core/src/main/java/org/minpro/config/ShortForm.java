package org.minpro.config;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A setting that is short for a choice with one parameter: where the component {@code staleness} has {@code
 * @ShortForm(name = "lag", of = Delayed.class)}, {@code lag: 2} is {@code staleness: {name: delayed, lag: 2}}.
 *
 * <p>The component is an interface of {@link NamedRecords} and one of the record that is bound, not of its sections. One of the
 * two is given, not both.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface ShortForm {
    /** The setting, and the parameter that it gives. */
    String name();

    /** The record that has this parameter alone. */
    Class<? extends Record> of();
}

package org.minpro.tool;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Says of a {@link Tool}'s parameter what it goes by and what it means. */
@Documented
@Target(ElementType.PARAMETER)
@Retention(RetentionPolicy.RUNTIME)
public @interface Argument {
    String name();

    /** What it means, for the model. */
    String value();

    /** Whether a call may leave it out; the parameter is then null, so it is of a reference type. */
    boolean optional() default false;
}

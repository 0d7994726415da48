package org.minpro.objective;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** What a list of objectives says of one, beside its name and its summary. */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
public @interface Described {
    /** Those that bound the policy in the same way: {@code clip}, {@code weight}, {@code mask} and so on. */
    String family();

    /** The loss of a token in one line. */
    String formula();

    /** The arXiv id, or the file or text that the formula is from. */
    String source();
}

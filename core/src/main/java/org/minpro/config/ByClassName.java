package org.minpro.config;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a configuration holds in place of an instance of a class that is no record: the class and what it is to be given.
 *
 * <p>Such a class may be expensive to make, or do something when it is made, so reading or printing a configuration must not
 * make it.
 */
public interface ByClassName {
    Class<?> type();

    /** Boolean, Integer, Long, Double, String, List, Map or null by name, in the order given. */
    Map<String, @Nullable Object> parameters();
}

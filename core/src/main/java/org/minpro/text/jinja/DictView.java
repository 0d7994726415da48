package org.minpro.text.jinja;

import java.util.List;

/**
 * What {@code keys()}, {@code values()} and {@code items()} of a dict give: it has a length and can be walked, but has no
 * elements by number.
 *
 * @param type {@code dict_keys}, {@code dict_values} or {@code dict_items}
 */
record DictView(String type, List<Object> items) {}

package org.minpro.text.jinja;

/** Python's {@code None} among a template's values. */
enum None {
    NONE
}

/**
 * The part of Jinja that chat templates are written in, rendered as Python's jinja2 renders it under transformers' settings:
 * {@code trim_blocks}, {@code lstrip_blocks}, loop controls, no autoescape, immutable data.
 *
 * <p>A template comes with a model and is not trusted: it sees maps, lists, strings and numbers, never a Java object, and
 * runs on a budget of steps and sizes.
 */
@NullMarked
package org.minpro.text.jinja;

import org.jspecify.annotations.NullMarked;

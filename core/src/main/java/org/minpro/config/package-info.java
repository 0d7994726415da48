/**
 * From YAML and options to records: {@link org.minpro.config.Settings} collects the layers,
 * {@link org.minpro.config.Binder} makes records of them, reports every problem at once, and writes records back.
 *
 * <p>A configuration is a record. Its no-argument constructor holds the defaults, its compact constructor the rules
 * ({@code throw new IllegalArgumentException("cap must be > 0, got: " + cap)}: the first word names the component),
 * {@link org.minpro.config.Doc} says what a component is. Keys are the component names in kebab-case.
 */
@NullMarked
package org.minpro.config;

import org.jspecify.annotations.NullMarked;

/** Runs code that nobody has read, in processes of its own. */
@NullMarked
package org.minpro.sandbox;

import org.jspecify.annotations.NullMarked;

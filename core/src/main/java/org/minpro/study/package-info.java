/** Studies: many runs in a grid, what is measured of them, and what their differences are worth. */
@NullMarked
package org.minpro.study;

import org.jspecify.annotations.NullMarked;

/**
 * The steps of a model as kernels in Java's Vector API, over memory that others own.
 *
 * <p>All are static methods on absolute addresses of dense, row-major memory, with float32 arithmetic; {@code half} says that
 * rows are stored as bfloat16, rounded to nearest even once, at the end. A row's result depends on that row alone, to the bit:
 * sums run in the order of absolute position, sums across a vector's lanes by fixed shuffles, exponentials by a polynomial of
 * our own. So bits differ between machines whose vectors have different lengths, and between nothing else.
 *
 * <p>Sizes are checked before the first write; that the memory is there is the caller's to know. A call allocates a few small
 * objects at most, and no vector.
 */
@NullMarked
package org.minpro.kernels;

import org.jspecify.annotations.NullMarked;

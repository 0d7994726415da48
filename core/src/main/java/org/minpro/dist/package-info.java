/**
 * The processes of one run, its ranks: how they find each other and what they exchange, over libtorch's c10d with Gloo.
 */
@NullMarked
package org.minpro.dist;

import org.jspecify.annotations.NullMarked;

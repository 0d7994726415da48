/** Rows into updates: policy gradient in lanes, AdamW, learning rate, the learner, supervised training. */
@NullMarked
package org.minpro.train;

import org.jspecify.annotations.NullMarked;

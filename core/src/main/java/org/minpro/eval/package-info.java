/** Measuring a model: accuracy with intervals, and log-probabilities of given sequences. */
@NullMarked
package org.minpro.eval;

import org.jspecify.annotations.NullMarked;

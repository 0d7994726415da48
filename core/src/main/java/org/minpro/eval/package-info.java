/** Measuring a model: accuracy with intervals, the public benchmarks, and log-probabilities of given sequences. */
@NullMarked
package org.minpro.eval;

import org.jspecify.annotations.NullMarked;

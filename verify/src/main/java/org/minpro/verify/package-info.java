/**
 * Extraction and equivalence of mathematical answers with three-valued verdicts.
 *
 * <p>Everything here is pure, single-threaded and bounded by counters ({@link org.minpro.verify.Limits}): no call
 * throws because of what it reads, none waits, and every object may be shared by any number of threads.
 */
@NullMarked
package org.minpro.verify;

import org.jspecify.annotations.NullMarked;

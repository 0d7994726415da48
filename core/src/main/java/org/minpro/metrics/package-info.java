/** Numbers of a run: {@code metrics.jsonl} is the record, everything else reads it. */
@NullMarked
package org.minpro.metrics;

import org.jspecify.annotations.NullMarked;

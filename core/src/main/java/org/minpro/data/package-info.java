/** Problems and where they come from: JSONL files, their split, and the order in which a run draws them. */
@NullMarked
package org.minpro.data;

import org.jspecify.annotations.NullMarked;

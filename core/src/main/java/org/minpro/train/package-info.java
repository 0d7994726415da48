/** The trainer: gradients in lanes, AdamW, staleness, and the run that ties them together. */
@NullMarked
package org.minpro.train;

import org.jspecify.annotations.NullMarked;

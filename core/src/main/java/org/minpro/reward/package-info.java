/** What a rollout is worth: rewards over the answer checker, format, length, weighted sums, remote services. */
@NullMarked
package org.minpro.reward;

import org.jspecify.annotations.NullMarked;

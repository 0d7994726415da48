/** Scored groups on their way from the sampler to the learner: collection, scoring, the journal's interface, sources. */
@NullMarked
package org.minpro.experience;

import org.jspecify.annotations.NullMarked;

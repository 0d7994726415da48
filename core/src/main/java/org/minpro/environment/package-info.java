/** What answers a policy: environments, and how what they say becomes tokens of a rollout. */
@NullMarked
package org.minpro.environment;

import org.jspecify.annotations.NullMarked;

@NullMarked
package org.minpro.rollout;

import org.jspecify.annotations.NullMarked;

/** Rollouts from inference servers (vLLM, SGLang) over HTTP, and new weights pushed to them. */
@NullMarked
package org.minpro.rollout.served;

import org.jspecify.annotations.NullMarked;

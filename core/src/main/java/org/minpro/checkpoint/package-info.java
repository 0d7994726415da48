/** What a run needs to continue: the journal of its rollouts and its checkpoints. */
@NullMarked
package org.minpro.checkpoint;

import org.jspecify.annotations.NullMarked;

/**
 * A run's life and folder: sessions for reinforcement learning, supervised training and benchmarks, with their folders,
 * journals, checkpoints, metrics and evaluations.
 */
@NullMarked
package org.minpro.run;

import org.jspecify.annotations.NullMarked;

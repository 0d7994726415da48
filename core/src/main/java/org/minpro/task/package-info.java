/**
 * The built-in tasks: sums that a small model has to work out step by step, and countdown problems that it has to search
 * for; generated without end from a seed and checked exactly. Pure Java; nothing here loads the engine.
 */
@NullMarked
package org.minpro.task;

import org.jspecify.annotations.NullMarked;

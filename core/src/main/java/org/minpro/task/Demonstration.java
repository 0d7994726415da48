package org.minpro.task;

import org.minpro.data.Problem;

/**
 * A problem of a built-in task and one way to write its solution.
 *
 * @param problem with a plain prompt
 * @param response the text that the model should give, without a stop token
 */
public record Demonstration(Problem problem, String response) {}

package org.minpro.model;

import org.minpro.tensor.Tensor;

/**
 * A tensor that a model computes with.
 *
 * @param name such as {@code model.layers.0.mlp.gate_up_proj.weight}
 * @param trainable whether it is trained; a frozen one has no gradient, no optimizer state and no place in a checkpoint
 */
public record Parameter(String name, Tensor tensor, boolean trainable) {}

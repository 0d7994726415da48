package org.minpro.model;

import org.minpro.tensor.Tensor;

/**
 * A router's choice: which experts compute which tokens, and how much each counts; the tokens' ways to their experts and back.
 * Made by {@link ModelSteps#choose}, in whose scope it lives.
 *
 * <p>An expert's rows are the tokens that chose it, in their order, and maybe others that count nothing. What experts give a token
 * is added up expert after expert, ascending, whatever the router's ranks.
 */
public interface ExpertChoice {
    /** Of every expert for each token, {@code [tokens, experts]} float32 (float64 for a float64 model). */
    Tensor probabilities();

    /** Experts of each token, {@code [tokens, perToken]} int64. */
    Tensor chosen();

    /** How many rows an expert computes; 0 where no token chose it. */
    int rows(int expert);

    /**
     * An expert's rows.
     *
     * @param x {@code [tokens, n]} in the model's type
     * @return {@code [rows, n]}
     */
    Tensor gather(int expert, Tensor x);

    /** Zeros to add up what experts give the tokens of {@code x}, {@code [tokens, n]}, in a type of these steps. */
    Tensor sums(Tensor x);

    /**
     * Adds an expert's rows times the tokens' weights.
     *
     * @param y {@code [rows, n]} in the model's type
     * @param sums {@link #sums}
     */
    void addWeighted(int expert, Tensor y, Tensor sums);

    /** Adds an expert's rows as they are: the way back of {@link #gather}. */
    void add(int expert, Tensor rows, Tensor sums);

    /** Zeros for the gradients of the weights, {@code [tokens, perToken]}. */
    Tensor weightGradients();

    /**
     * The way back of {@link #addWeighted}: returns {@code dL/dy}, {@code [rows, n]}.
     *
     * @param upstream {@code dL/dsums} in the model's type, {@code [tokens, n]}
     * @param y what the expert gave, {@code [rows, n]}
     * @param toWeights {@link #weightGradients}, into which those of the expert are put
     */
    Tensor weightedBackward(int expert, Tensor upstream, Tensor y, Tensor toWeights);

    /** From {@code dL/dweights} to {@code dL/dlogits}, {@code [tokens, experts]} in the model's type. */
    Tensor backward(Tensor toWeights);
}

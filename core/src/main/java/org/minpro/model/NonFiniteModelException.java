package org.minpro.model;

/** A model that is none any more: weights, or the probabilities that follow from them, are not finite numbers. */
public final class NonFiniteModelException extends IllegalStateException {
    private static final long serialVersionUID = 1;

    public NonFiniteModelException(String message) {
        super(message);
    }

    /** Of a distribution from which nothing can be drawn. */
    public static NonFiniteModelException ofProbabilities(long count) {
        return new NonFiniteModelException("probabilities must have a positive entry, got: none of " + count
                + "; are the model's weights finite?");
    }
}

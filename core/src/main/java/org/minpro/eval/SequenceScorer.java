package org.minpro.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import org.minpro.model.LanguageHead;
import org.minpro.model.TokenBlock;
import org.minpro.model.Transformer;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;
import org.minpro.tensor.Workers;

/**
 * Log-probabilities of given token sequences, natural logarithm, each token given all before it. Every sequence goes through
 * the model by itself, so its numbers do not depend on the others.
 */
public final class SequenceScorer {
    private final Transformer model;
    private final Workers workers;
    private final double temperature;

    /** Scores at temperature 1. */
    public SequenceScorer(Transformer model, Workers workers) {
        this(model, workers, 1);
    }

    /** @param temperature that divides the logits, > 0 */
    public SequenceScorer(Transformer model, Workers workers, double temperature) {
        this.model = model;
        this.workers = workers;
        this.temperature = temperature;
    }

    /** For each sequence the log-probabilities of its tokens from the second on, {@code [length - 1]}. */
    public List<double[]> score(List<int[]> sequences) {
        List<Callable<double[]>> tasks = new ArrayList<>();
        for (int[] sequence : sequences) {
            tasks.add(() -> score(sequence));
        }
        return workers.run(tasks);
    }

    private double[] score(int[] ids) {
        if (ids.length < 2) {
            return new double[0];
        }
        for (int id : ids) {
            if (id < 0 || id >= model.config().vocabSize()) {
                throw new IllegalArgumentException(
                        "ids must be in [0, " + model.config().vocabSize() + "), got: " + id);
            }
        }
        TokenBlock block = TokenBlock.of(new int[] {ids[0]}, Arrays.copyOfRange(ids, 1, ids.length));
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            return new LanguageHead(model, temperature)
                    .logProbs(model.hidden(block), Tensor.of(model.device(), block.targets()), false)
                    .logProbs()
                    .doubles();
        }
    }
}

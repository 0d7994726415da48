package org.minpro.recipe;

import org.minpro.config.Doc;
import org.minpro.config.Rule;

/** Accuracy on held-out problems before, during and after training. */
public record EvaluationSection(
        @Doc("Held-out problems to evaluate on, at most; 0 does not evaluate.")
        int problems,

        @Doc("Responses sampled to each (accuracy is then avg@k); 0 decodes greedily, once.")
        int samples,

        @Doc("Evaluate every so many iterations too; 0 only before and after.")
        int every) {
    public EvaluationSection {
        Rule.notNegative("problems", problems);
        Rule.notNegative("samples", samples);
        Rule.notNegative("every", every);
    }

    public EvaluationSection() {
        this(1000, 1, 0);
    }
}

package org.minpro.objective;

import java.util.Set;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * A veto: a response with a token whose ratio {@code pi_prox(y_t) / mu(y_t)} is below a threshold weighs 0, any other 1 (slime's mis.yaml, older verl).
 *
 * @param threshold ratio below which a single token drops its response
 * @param leaveDenominator whether tokens of weight 0 leave the denominator of the aggregation, as in verl, or stay in it, as in AReaL
 */
public record Veto(
        @Doc("Ratio below which a single token drops its response.")
        double threshold,

        @Doc(
                "Whether tokens of weight 0 leave the denominator of the aggregation, as in verl, or stay in it, as in AReaL.")
        boolean leaveDenominator)
        implements Correction {

    public Veto {
        Rule.positive("threshold", threshold);
    }

    /** 1e-4, slime's. */
    public Veto() {
        this(1e-4, false);
    }

    @Override
    public Weights compute(ObjectiveInputs inputs) {
        Tensor d = ProximalRatio.logToken(inputs); // [batch, time]
        Tensor smallest = RowValues.max(inputs, d.negate()).negate();
        return ProximalRatio.masked("veto", d.multiply(0).add(1), smallest.less(Math.log(threshold)));
    }

    @Override
    public Set<LogProbStream> streams() {
        return ProximalRatio.STREAMS;
    }

    @Override
    public boolean zerosLeaveDenominator() {
        return leaveDenominator;
    }
}

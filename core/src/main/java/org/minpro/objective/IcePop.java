package org.minpro.objective;

import java.util.Set;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * IcePop: the ratio {@code w_t = pi_prox(y_t) / mu(y_t)} where it lies in a window, else 0 (arXiv 2510.18855).
 *
 * @param low smallest ratio that counts
 * @param high largest ratio that counts; .inf for none
 * @param leaveDenominator whether tokens of weight 0 leave the denominator of the aggregation, as in verl, or stay in it, as in AReaL
 */
public record IcePop(
        @Doc("Smallest ratio that counts.") double low,

        @Doc("Largest ratio that counts; .inf for none.") double high,

        @Doc(
                "Whether tokens of weight 0 leave the denominator of the aggregation, as in verl, or stay in it, as in AReaL.")
        boolean leaveDenominator)
        implements Correction {

    public IcePop {
        Rule.window("low", low, "high", high);
    }

    /** 0.5 to 5, as in verl's preset and OpenRLHF. */
    public IcePop() {
        this(0.5, 5, false);
    }

    @Override
    public Weights compute(ObjectiveInputs inputs) {
        Tensor ratio = ProximalRatio.logToken(inputs).exp(); // [batch, time]
        return ProximalRatio.masked("icepop", ratio, ratio.less(low).or(ratio.greater(high)));
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

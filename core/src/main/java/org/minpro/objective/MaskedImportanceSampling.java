package org.minpro.objective;

import java.util.Set;
import org.minpro.config.Doc;
import org.minpro.tensor.Tensor;

/**
 * Masked importance sampling: a response counts where the geometric mean of its ratios {@code w_t = pi_prox(y_t) / mu(y_t)} lies in a
 * window (verl's geometric preset, slime's mis.yaml); with {@code weighted} its tokens weigh w_t, which is OpenRLHF's {@code seq-mask-tis}, else 1.
 *
 * @param low smallest geometric mean of a response that counts
 * @param high largest geometric mean of a response that counts; .inf for none
 * @param weighted whether the tokens of a response that counts weigh their ratio, else 1
 * @param leaveDenominator whether tokens of weight 0 leave the denominator of the aggregation, as in verl, or stay in it, as in AReaL
 */
public record MaskedImportanceSampling(
        @Doc("Smallest geometric mean of a response that counts.")
        double low,

        @Doc("Largest geometric mean of a response that counts; .inf for none.")
        double high,

        @Doc("Whether the tokens of a response that counts weigh their ratio, else 1.")
        boolean weighted,

        @Doc(
                "Whether tokens of weight 0 leave the denominator of the aggregation, as in verl, or stay in it, as in AReaL.")
        boolean leaveDenominator)
        implements Correction {

    public MaskedImportanceSampling {
        Rule.window("low", low, "high", high);
    }

    /** 0.999 to 1.001 without weights, verl's preset. */
    public MaskedImportanceSampling() {
        this(0.999, 1.001, false, false);
    }

    @Override
    public Weights compute(ObjectiveInputs inputs) {
        Tensor d = ProximalRatio.logToken(inputs); // [batch, time]
        Tensor mean = RowValues.mean(inputs, d).exp();
        return ProximalRatio.masked(
                "mis", weighted ? d.exp() : d.multiply(0).add(1), mean.less(low).or(mean.greater(high)));
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

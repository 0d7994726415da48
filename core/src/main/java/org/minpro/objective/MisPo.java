package org.minpro.objective;

import java.util.Set;
import org.minpro.config.Doc;
import org.minpro.ratio.Ratios;
import org.minpro.tensor.Tensor;

/**
 * MIS-PO: the policy gradient on what the trainer would have sampled too, {@code l_t = -I_token I_response A_t log pi_theta(y_t)} (Step-3.5-Flash, arXiv
 * 2602.10604).
 *
 * <p>{@code I_token} is 1 where {@code pi_prox / mu} lies in [tokenLow, tokenHigh], {@code I_response} where its geometric mean over the response lies in
 * [responseLow, responseHigh]. Gradient coefficient {@code g_t = I_token I_response A_t}.
 *
 * @param tokenLow smallest ratio of a token that counts
 * @param tokenHigh largest ratio of a token that counts; .inf for none
 * @param responseLow smallest geometric mean of a response that counts
 * @param responseHigh largest geometric mean of a response that counts; .inf for none
 */
@Described(
        family = "mask",
        formula = "−1[π_prox/μ within] 1[its geometric mean within] A log π",
        source = "arXiv 2602.10604 (secondary)")
public record MisPo(
        @Doc("Smallest ratio of a token that counts.") double tokenLow,

        @Doc("Largest ratio of a token that counts; .inf for none.")
        double tokenHigh,

        @Doc("Smallest geometric mean of a response that counts.")
        double responseLow,

        @Doc("Largest geometric mean of a response that counts; .inf for none.")
        double responseHigh)
        implements Objective {
    public MisPo {
        Rule.window("token-low", tokenLow, "token-high", tokenHigh);
        Rule.window("response-low", responseLow, "response-high", responseHigh);
    }

    /** As reported of the paper. */
    public MisPo() {
        this(0.5, 2, 0.996, 1.001);
    }

    @Override
    public ObjectiveResult compute(ObjectiveInputs inputs) {
        Tensor d = Ratios.of(
                        inputs.logProbsOf(LogProbStream.PROXIMAL),
                        inputs.logProbsOf(LogProbStream.BEHAVIOR),
                        inputs.mask())
                .logToken(); // [batch, time]
        Tensor ratio = d.exp();
        Tensor mean = RowValues.mean(inputs, d).exp();
        Tensor dropped = ratio.less(tokenLow)
                .or(ratio.greater(tokenHigh))
                .or(mean.less(responseLow))
                .or(mean.greater(responseHigh));
        return ConstantWeight.masked(inputs, d.multiply(0).add(1), dropped);
    }

    @Override
    public boolean vanishesWithAdvantages() {
        return true;
    }

    @Override
    public Set<LogProbStream> streams() {
        return Set.of(LogProbStream.BEHAVIOR, LogProbStream.PROXIMAL);
    }
}

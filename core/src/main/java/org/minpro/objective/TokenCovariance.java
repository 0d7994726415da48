package org.minpro.objective;

/**
 * {@code (A_t - mean A) (log pi_t - mean log pi)} over the valid tokens of an update: what the gradient changes the entropy by
 * (arXiv 2505.22617).
 *
 * @param values {@code [batch * time]}; not a number at masked tokens
 * @param tokens valid tokens
 */
record TokenCovariance(double[] values, int tokens) {
    static TokenCovariance of(ObjectiveInputs inputs) {
        double[] advantages = inputs.advantages().doubles();
        double[] logProbs = inputs.frozenLogProbs().doubles();
        double[] mask = inputs.mask().doubles();
        double advantage = 0;
        double logProb = 0;
        int tokens = 0;
        for (int at = 0; at < mask.length; at++) {
            if (mask[at] != 0) {
                advantage += advantages[at];
                logProb += logProbs[at];
                tokens++;
            }
        }
        double[] values = new double[mask.length];
        for (int at = 0; at < mask.length; at++) {
            values[at] = mask[at] != 0
                    ? (advantages[at] - advantage / tokens) * (logProbs[at] - logProb / tokens)
                    : Double.NaN;
        }
        return new TokenCovariance(values, tokens);
    }
}

package org.minpro.train;

/**
 * A coefficient of the entropy bonus that follows a target (Skywork-OR1, arXiv 2505.22312, adaptive entropy control).
 *
 * <p>After an update whose tokens had the mean entropy e, the coefficient c goes up by the step where {@code e < target},
 * else down by it, never below 0. The bonus acts in an update where the entropy of the one before was below the target. The
 * paper asks for the entropy of the update itself, which here is known only after its loss.
 *
 * @param target of the mean entropy per token, nats
 * @param step by which the coefficient moves after an update
 */
public record EntropyTarget(double target, double step) {
    /**
     * Where the coefficient stands.
     *
     * @param coefficient c
     * @param below whether the entropy of the update before was below the target
     */
    public record State(double coefficient, boolean below) {
        /** What the entropy of the next update is multiplied by. */
        double acting() {
            return below ? coefficient : 0;
        }
    }

    /** Before the first update, with the coefficient that it begins with. */
    public static State initial(double coefficient) {
        return new State(coefficient, true);
    }

    /** After an update whose tokens had that mean entropy. */
    State after(State state, double entropy) {
        boolean below = entropy < target;
        return new State(Math.max(0, state.coefficient() + (below ? step : -step)), below);
    }
}

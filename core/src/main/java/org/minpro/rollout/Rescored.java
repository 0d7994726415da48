package org.minpro.rollout;

import java.util.Optional;

/** Log-probabilities of responses that the trainer has computed again, with the weights that sampled them. */
public interface Rescored {
    /** Those of a response, {@code [time]}, nats, and forgets them; empty where it was not among those computed again. */
    Optional<float[]> take(long draw, int sample);

    /** Forgets those of earlier draws, which nobody will take: their groups were put aside. */
    void forgetBefore(long draw);
}

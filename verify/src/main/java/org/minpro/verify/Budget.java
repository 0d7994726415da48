package org.minpro.verify;

/** Counts the elementary steps of one check and refuses beyond its limits; one per check, never shared. */
final class Budget {
    private final Limits limits;
    private int stepsLeft;

    Budget(Limits limits) {
        this.limits = limits;
        this.stepsLeft = limits.steps();
    }

    Limits limits() {
        return limits;
    }

    void step() {
        step(1);
    }

    void step(int count) {
        stepsLeft -= count;
        if (stepsLeft < 0) {
            throw Refusal.limit();
        }
    }

    int maximumBits() {
        return (int) (limits.digits() * 3.33);
    }

    Rational check(Rational value) {
        if (value.bits() > maximumBits()) {
            throw Refusal.limit();
        }
        return value;
    }
}

package org.minpro.verify;

import java.math.BigDecimal;

/** A complex number with decimal parts; real numbers have an imaginary part of exactly zero. */
record Complex(BigDecimal re, BigDecimal im) {
    static final Complex ZERO = of(BigDecimal.ZERO);
    static final Complex ONE = of(BigDecimal.ONE);
    static final Complex I = new Complex(BigDecimal.ZERO, BigDecimal.ONE);

    static Complex of(BigDecimal value) {
        return new Complex(value, BigDecimal.ZERO);
    }

    static Complex of(long value) {
        return of(BigDecimal.valueOf(value));
    }

    boolean isReal() {
        return im.signum() == 0;
    }

    boolean isZero() {
        return re.signum() == 0 && im.signum() == 0;
    }

    Complex negate() {
        return new Complex(re.negate(), im.negate());
    }

    Complex conjugate() {
        return new Complex(re, im.negate());
    }

    /** The larger magnitude of the two parts. */
    BigDecimal size() {
        return re.abs().max(im.abs());
    }
}

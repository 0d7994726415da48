package org.minpro.verify;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;

/** An exact rational number in lowest terms with a positive denominator. */
final class Rational implements Comparable<Rational> {
    static final Rational ZERO = new Rational(BigInteger.ZERO, BigInteger.ONE);
    static final Rational ONE = new Rational(BigInteger.ONE, BigInteger.ONE);
    static final Rational MINUS_ONE = new Rational(BigInteger.ONE.negate(), BigInteger.ONE);
    static final Rational TWO = new Rational(BigInteger.TWO, BigInteger.ONE);
    static final Rational HALF = new Rational(BigInteger.ONE, BigInteger.TWO);
    static final Rational TEN = new Rational(BigInteger.TEN, BigInteger.ONE);

    private final BigInteger numerator;
    private final BigInteger denominator;

    private Rational(BigInteger numerator, BigInteger denominator) {
        this.numerator = numerator;
        this.denominator = denominator;
    }

    static Rational of(long value) {
        return new Rational(BigInteger.valueOf(value), BigInteger.ONE);
    }

    static Rational of(BigInteger value) {
        return new Rational(value, BigInteger.ONE);
    }

    /** The fraction in lowest terms; the denominator must not be zero. */
    static Rational of(BigInteger numerator, BigInteger denominator) {
        if (denominator.signum() == 0) {
            throw new ArithmeticException("denominator must be != 0");
        }
        if (denominator.equals(BigInteger.ONE)) {
            return new Rational(numerator, denominator);
        }
        BigInteger divisor = numerator.gcd(denominator);
        if (denominator.signum() < 0) {
            divisor = divisor.negate();
        }
        return divisor.equals(BigInteger.ONE)
                ? new Rational(numerator, denominator)
                : new Rational(numerator.divide(divisor), denominator.divide(divisor));
    }

    static Rational of(long numerator, long denominator) {
        return of(BigInteger.valueOf(numerator), BigInteger.valueOf(denominator));
    }

    BigInteger numerator() {
        return numerator;
    }

    BigInteger denominator() {
        return denominator;
    }

    boolean isInteger() {
        return denominator.equals(BigInteger.ONE);
    }

    boolean isZero() {
        return numerator.signum() == 0;
    }

    boolean isOne() {
        return isInteger() && numerator.equals(BigInteger.ONE);
    }

    int signum() {
        return numerator.signum();
    }

    Rational negate() {
        return new Rational(numerator.negate(), denominator);
    }

    Rational abs() {
        return signum() < 0 ? negate() : this;
    }

    Rational plus(Rational other) {
        if (isInteger() && other.isInteger()) {
            return new Rational(numerator.add(other.numerator), BigInteger.ONE);
        }
        return of(
                numerator.multiply(other.denominator).add(other.numerator.multiply(denominator)),
                denominator.multiply(other.denominator));
    }

    Rational minus(Rational other) {
        return plus(other.negate());
    }

    Rational times(Rational other) {
        if (isInteger() && other.isInteger()) {
            return new Rational(numerator.multiply(other.numerator), BigInteger.ONE);
        }
        return of(numerator.multiply(other.numerator), denominator.multiply(other.denominator));
    }

    /** The quotient; the divisor must not be zero. */
    Rational dividedBy(Rational other) {
        return of(numerator.multiply(other.denominator), denominator.multiply(other.numerator));
    }

    /** The integer power; a zero base needs a positive exponent. */
    Rational pow(int exponent) {
        if (exponent >= 0) {
            return new Rational(numerator.pow(exponent), denominator.pow(exponent));
        }
        return of(denominator.pow(-exponent), numerator.pow(-exponent));
    }

    /** The greatest integer that is not greater. */
    BigInteger floor() {
        BigInteger[] parts = numerator.divideAndRemainder(denominator);
        return parts[1].signum() < 0 ? parts[0].subtract(BigInteger.ONE) : parts[0];
    }

    /** Bits of the numerator and the denominator together, which bound the cost of the next operation. */
    int bits() {
        return numerator.bitLength() + denominator.bitLength();
    }

    BigDecimal toBigDecimal(MathContext context) {
        return new BigDecimal(numerator).divide(new BigDecimal(denominator), context);
    }

    double toDouble() {
        if (numerator.bitLength() < 1000 && denominator.bitLength() < 1000) {
            return numerator.doubleValue() / denominator.doubleValue();
        }
        return toBigDecimal(MathContext.DECIMAL64).doubleValue();
    }

    @Override
    public int compareTo(Rational other) {
        return numerator.multiply(other.denominator).compareTo(other.numerator.multiply(denominator));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Rational that
                && numerator.equals(that.numerator)
                && denominator.equals(that.denominator);
    }

    @Override
    public int hashCode() {
        return 31 * numerator.hashCode() + denominator.hashCode();
    }

    @Override
    public String toString() {
        return isInteger() ? text(numerator) : text(numerator) + "/" + text(denominator);
    }

    /** Most are small, and a long's digits are written several times as fast. */
    private static String text(BigInteger value) {
        return value.bitLength() < Long.SIZE ? Long.toString(value.longValue()) : value.toString();
    }
}

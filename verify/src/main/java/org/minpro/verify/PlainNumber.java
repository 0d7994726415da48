package org.minpro.verify;

import java.math.BigDecimal;
import java.math.BigInteger;
import org.jspecify.annotations.Nullable;

/**
 * A number as most references and answers write it, read without building a tree: sign, money sign, thousands,
 * decimals, exponent, a fraction of integers, a percent sign.
 *
 * @param value the exact value as written; a percent sign is not applied
 * @param unit one unit of its last written digit if it is a decimal with a digit that is not zero after the point,
 *     else null: only such a reference allows rounding
 * @param fine whether it is precise enough to round to, see {@link #isFine}
 * @param percent whether a percent sign follows
 */
record PlainNumber(Rational value, @Nullable Rational unit, boolean fine, boolean percent) {
    private static final int MAXIMUM_EXPONENT = 400;
    private static final int LONGEST_LONG = 18; // digits that always fit in a long

    /** Reads a number, or returns null where the text is anything else. */
    static @Nullable PlainNumber read(String text, int maximumDigits) {
        int end = text.length();
        int i = 0;
        while (i < end && isSpace(text.charAt(i))) {
            i++;
        }
        while (end > i && isSpace(text.charAt(end - 1))) {
            end--;
        }
        if (end - i < 1 || end - i > maximumDigits) {
            return null;
        }
        boolean percent = false;
        if (text.charAt(end - 1) == '%') {
            percent = true;
            end--;
            if (end > i && text.charAt(end - 1) == '\\') {
                end--;
            }
            while (end > i && isSpace(text.charAt(end - 1))) {
                end--;
            }
        }
        boolean negative = false;
        if (i < end && (text.charAt(i) == '-' || text.charAt(i) == '+' || text.charAt(i) == '\u2212')) {
            negative = text.charAt(i) != '+';
            i++;
        }
        if (i < end && text.charAt(i) == '\\' && i + 1 < end && text.charAt(i + 1) == '$') {
            i += 2;
        }
        if (i < end && text.charAt(i) == '\\') {
            Rational fraction = latexFraction(text, i, end);
            return fraction == null
                    ? null
                    : new PlainNumber(negative ? fraction.negate() : fraction, null, false, percent);
        }
        int digitsFrom = i;
        StringBuilder digits = new StringBuilder(end - i);
        i = appendDigits(text, i, end, digits);
        if (i < end && text.charAt(i) == '/' && digits.length() > 0) {
            int from = i + 1;
            StringBuilder denominator = new StringBuilder(end - i);
            i = appendDigits(text, from, end, denominator);
            if (i != end || denominator.length() == 0) {
                return null;
            }
            BigInteger below = integer(denominator);
            if (below.signum() == 0) {
                return null;
            }
            Rational value = Rational.of(integer(digits), below);
            return new PlainNumber(negative ? value.negate() : value, null, false, percent);
        }
        if (i - digitsFrom <= 3 && digits.length() > 0 && (text.charAt(digitsFrom) != '0')) {
            while (i + 3 < end && text.charAt(i) == ',') {
                int group = appendDigits(text, i + 1, end, digits);
                if (group - i != 4) {
                    return null;
                }
                i = group;
            }
        }
        int scale = 0;
        if (i < end && text.charAt(i) == '.') {
            int after = appendDigits(text, i + 1, end, digits);
            scale = after - i - 1;
            i = after;
        }
        if (digits.length() == 0) {
            return null;
        }
        int exponent = 0;
        if (i < end && (text.charAt(i) == 'e' || text.charAt(i) == 'E')) {
            StringBuilder power = new StringBuilder();
            boolean negativePower = i + 1 < end && text.charAt(i + 1) == '-';
            int from = i + 1 + (i + 1 < end && (negativePower || text.charAt(i + 1) == '+') ? 1 : 0);
            i = appendDigits(text, from, end, power);
            if (power.length() == 0 || power.length() > 4) {
                return null;
            }
            exponent = Integer.parseInt(power.toString());
            if (exponent > MAXIMUM_EXPONENT) {
                return null;
            }
            exponent = negativePower ? -exponent : exponent;
        }
        if (i != end) {
            return null;
        }
        BigInteger unscaled = integer(digits);
        if (negative) {
            unscaled = unscaled.negate();
        }
        if (scale == 0 && exponent == 0) {
            return new PlainNumber(Rational.of(unscaled), null, false, percent);
        }
        return decimal(new BigDecimal(unscaled, scale - exponent), scale, exponent != 0, percent);
    }

    /** The value of a LaTeX fraction of two integers, or null. */
    private static @Nullable Rational latexFraction(String text, int start, int end) {
        int i = start + 1;
        if (i < end && (text.charAt(i) == 'd' || text.charAt(i) == 't')) {
            i++;
        }
        if (!text.startsWith("frac{", i)) {
            return null;
        }
        StringBuilder above = new StringBuilder();
        i += 5;
        boolean negative = i < end && text.charAt(i) == '-';
        i = appendDigits(text, negative ? i + 1 : i, end, above);
        if (above.length() == 0 || !text.startsWith("}{", i)) {
            return null;
        }
        StringBuilder below = new StringBuilder();
        i = appendDigits(text, i + 2, end, below);
        if (below.length() == 0 || i + 1 != end || text.charAt(i) != '}') {
            return null;
        }
        BigInteger denominator = integer(below);
        if (denominator.signum() == 0) {
            return null;
        }
        Rational value = Rational.of(integer(above), denominator);
        return negative ? value.negate() : value;
    }

    /**
     * Whether a decimal claims enough digits for a rounded answer to be more than near: three significant ones, or two
     * where both stand behind the point (0.33) or scientific notation marks a measurement. 4.5 may be exact, and
     * 2√5 = 4.47 would be a false right; so may 0.75, and √5/3 = 0.745 would be another.
     */
    private static boolean isFine(BigDecimal written, int significantDigits, boolean scientific) {
        if (significantDigits != 2 || scientific) {
            return significantDigits >= 2;
        }
        boolean endsInFive = written.unscaledValue().mod(BigInteger.valueOf(5)).signum() == 0;
        return written.abs().compareTo(BigDecimal.ONE) < 0 && !endsInFive;
    }

    /** A decimal as written, with the precision that it claims. */
    static PlainNumber decimal(BigDecimal written, int decimals, boolean scientific, boolean percent) {
        Rational value = rational(written);
        boolean fractional = false;
        if (decimals > 0) {
            BigInteger tail = written.unscaledValue().mod(BigInteger.TEN.pow(decimals));
            fractional = tail.signum() != 0;
        }
        boolean precise = fractional || scientific;
        if (!precise) {
            return new PlainNumber(value, null, false, percent);
        }
        Rational unit = rational(BigDecimal.ONE.scaleByPowerOfTen(-written.scale()));
        int significant = written.signum() == 0
                ? 0
                : written.unscaledValue().abs().toString().length();
        return new PlainNumber(value, unit, isFine(written, significant, scientific), percent);
    }

    private static Rational rational(BigDecimal value) {
        return value.scale() > 0
                ? Rational.of(value.unscaledValue(), BigInteger.TEN.pow(value.scale()))
                : Rational.of(value.toBigIntegerExact());
    }

    private static int appendDigits(String text, int from, int end, StringBuilder digits) {
        int i = from;
        while (i < end && text.charAt(i) >= '0' && text.charAt(i) <= '9') {
            digits.append(text.charAt(i));
            i++;
        }
        return i;
    }

    /** Digits as a number; most fit in a long, which is several times as fast. */
    private static BigInteger integer(StringBuilder digits) {
        return digits.length() <= LONGEST_LONG
                ? BigInteger.valueOf(Long.parseLong(digits, 0, digits.length(), 10))
                : new BigInteger(digits.toString());
    }

    private static boolean isSpace(char c) {
        return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '$';
    }
}

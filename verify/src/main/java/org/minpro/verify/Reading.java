package org.minpro.verify;

/**
 * How notation with two readings is read.
 *
 * @param thousands whether {@code 1,234} is one number rather than two
 * @param naturalLog whether {@code log} without a base is natural rather than decimal
 * @param tightProduct whether {@code 1/2x} is {@code 1/(2x)} rather than {@code (1/2)x}
 * @param letterUnits whether the letters behind a last number are units, {@code 5 m} five metres, rather than variables
 * @param decimalComma whether the comma of {@code 12,5} is a decimal point rather than between two numbers
 */
record Reading(boolean thousands, boolean naturalLog, boolean tightProduct, boolean letterUnits, boolean decimalComma) {
    static final Reading DECIMAL_COMMA = new Reading(true, false, false, false, true);
    static final Reading USUAL = new Reading(true, false, false, false, false);
}

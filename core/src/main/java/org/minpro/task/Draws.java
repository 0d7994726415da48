package org.minpro.task;

/** Uniform numbers that depend on their counter alone: the same (seed, purpose, draw, position) gives the same number. */
final class Draws {

    static final int TERMS = 1;
    static final int STYLES = 2;

    private Draws() {}

    /** A uniform integer in {@code [0, bound)}. */
    static int below(int bound, long seed, int purpose, long draw, int attempt, int position) {
        return (int) (bound * uniform(seed, purpose, draw, attempt, position));
    }

    /** A uniform number in {@code [0, 1)} with 53 bits. */
    static double uniform(long seed, int purpose, long draw, int attempt, int position) {
        long state = mix(seed + 0x9E3779B97F4A7C15L);
        state = mix(state ^ mix(draw + 0x9E3779B97F4A7C15L * 2));
        state = mix(state ^ mix(((long) purpose << 48) + ((long) attempt << 24) + position + 0x9E3779B97F4A7C15L * 3));
        return (state >>> 11) * 0x1.0p-53;
    }

    /** The finaliser of SplitMix64 (Steele, Lea and Flood, 2014). */
    private static long mix(long value) {
        long mixed = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
        return mixed ^ (mixed >>> 31);
    }
}

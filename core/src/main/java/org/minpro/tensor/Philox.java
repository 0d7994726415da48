package org.minpro.tensor;

/**
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 *
 * <p>A number is a pure function of its coordinates, so it depends neither on batch composition nor on timing nor on
 * restarts. The key is the run's seed; the counter is {@code (position, sample, draw, purpose)}.
 */
public final class Philox {
    private static final int MULTIPLIER_0 = 0xD2511F53;
    private static final int MULTIPLIER_1 = 0xCD9E8D57;
    private static final int WEYL_0 = 0x9E3779B9;
    private static final int WEYL_1 = 0xBB67AE85;
    private static final int ROUNDS = 10;

    private Philox() {}

    /** What a random number is for; its ordinal is a part of the counter, so the order of the constants is fixed. */
    public enum Purpose {
        SAMPLING,
        TASK,
        DEMONSTRATION,
        SHUFFLE,
        INITIALISATION,
        AUDIT,
        TRIAL,
        OBJECTIVE,
        RECORD,
        EPOCH,
        REPLAY,
        DELAY,
        ADAPTER,
        SERVING
    }

    /** As many standard normal numbers, those of positions 0, 1, ... */
    public static double[] normals(int count, long seed, Purpose purpose, long draw) {
        double[] numbers = new double[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = normal(seed, purpose, draw, 0, i);
        }
        return numbers;
    }

    /** The numbers from 0 in a random order, each order as likely (Fisher-Yates over positions 0, 1, ...). */
    public static int[] permutation(int size, long seed, Purpose purpose, long draw, int sample) {
        int[] order = new int[size];
        for (int i = 0; i < size; i++) {
            int j = below(i + 1, seed, purpose, draw, sample, i);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }

    /** Four 32-bit words of the block at {@code counter} under {@code key}. */
    public static int[] block(int counter0, int counter1, int counter2, int counter3, int key0, int key1) {
        int c0 = counter0;
        int c1 = counter1;
        int c2 = counter2;
        int c3 = counter3;
        int k0 = key0;
        int k1 = key1;
        for (int round = 0; round < ROUNDS; round++) {
            long product0 = (MULTIPLIER_0 & 0xFFFFFFFFL) * (c0 & 0xFFFFFFFFL);
            long product1 = (MULTIPLIER_1 & 0xFFFFFFFFL) * (c2 & 0xFFFFFFFFL);
            int next0 = (int) (product1 >>> 32) ^ c1 ^ k0;
            int next2 = (int) (product0 >>> 32) ^ c3 ^ k1;
            c1 = (int) product1;
            c3 = (int) product0;
            c0 = next0;
            c2 = next2;
            k0 += WEYL_0;
            k1 += WEYL_1;
        }
        return new int[] {c0, c1, c2, c3};
    }

    /**
     * A uniform number in {@code [0, 1)} with 53 random bits.
     *
     * @param draw ordinal of the group in the run, {@code 0 <= draw < 2^56}
     * @param sample ordinal of the response within its group
     * @param position ordinal of the token within its response
     */
    public static double uniform(long seed, Purpose purpose, long draw, int sample, int position) {
        return (bits(seed, purpose, draw, sample, position) >>> 11) * 0x1.0p-53;
    }

    /** A uniform integer in {@code [0, bound)}; the bias of the multiplication method is below {@code bound / 2^53}. */
    public static int below(int bound, long seed, Purpose purpose, long draw, int sample, int position) {
        if (bound <= 0) {
            throw new IllegalArgumentException("bound must be > 0, got: " + bound);
        }
        return (int) (uniform(seed, purpose, draw, sample, position) * bound);
    }

    /** A standard normal number (Box-Muller over the two halves of one block). */
    public static double normal(long seed, Purpose purpose, long draw, int sample, int position) {
        int[] words = words(seed, purpose, draw, sample, position);
        double radius = (pack(words[0], words[1]) >>> 11) * 0x1.0p-53;
        double angle = (pack(words[2], words[3]) >>> 11) * 0x1.0p-53;
        return Math.sqrt(-2 * StrictMath.log1p(-radius)) * StrictMath.cos(2 * Math.PI * angle);
    }

    /** 64 random bits. */
    public static long bits(long seed, Purpose purpose, long draw, int sample, int position) {
        int[] words = words(seed, purpose, draw, sample, position);
        return pack(words[0], words[1]);
    }

    private static int[] words(long seed, Purpose purpose, long draw, int sample, int position) {
        if (draw < 0 || draw >= 1L << 56) {
            throw new IllegalArgumentException("draw must be in [0, 2^56), got: " + draw);
        }
        int high = (int) (draw >>> 32) << 8 | purpose.ordinal();
        return block(position, sample, (int) draw, high, (int) seed, (int) (seed >>> 32));
    }

    private static long pack(int low, int high) {
        return (long) high << 32 | (low & 0xFFFFFFFFL);
    }
}

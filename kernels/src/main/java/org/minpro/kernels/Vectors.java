package org.minpro.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vectors of float32 over raw addresses: loads, stores, rounding to bfloat16, sums across lanes and the exponential, each
 * also for a single number with the same bits.
 *
 * <p>A loop calls the methods of vectors that it has just made, and gives them what it carries: {@code made.add(carried)}. Of
 * what is carried C2 knows no type, unless the JVM has counted which types came there, and it then calls the method, with
 * every vector allocated. So it is decided by when a loop is compiled.
 *
 * <p>A kernel's method holds one small loop with at most 12 sums, so that C2 inlines all of this class into it; see {@link
 * Inlining}. Where even that is too large, its last calls are those of the Vector API itself, which C2 inlines whatever their
 * number.
 */
final class Vectors {
    /** All memory; no bounds are checked. */
    static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    static final VectorSpecies<Float> FLOATS =
            FloatVector.SPECIES_PREFERRED.length() > 16 ? FloatVector.SPECIES_512 : FloatVector.SPECIES_PREFERRED;
    static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());
    private static final VectorSpecies<Short> SHORTS =
            VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));

    /** The class of all vectors here; what a loop has carried is cast to it before a method of it is called. */
    static final Class<? extends FloatVector> TYPE = FLOATS.vectorType().asSubclass(FloatVector.class);

    /** Numbers in a vector: 16, 8 or 4. */
    static final int LANES = FLOATS.length();

    /** Bytes of a vector. */
    static final long BYTES = 4L * LANES;

    static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final VectorShuffle<Float> BY_8 = exchange(8);
    private static final VectorShuffle<Float> BY_4 = exchange(4);
    private static final VectorShuffle<Float> BY_2 = exchange(2);
    private static final VectorShuffle<Float> BY_1 = exchange(1);

    // exp(x) = 2^n p(r) with n the nearest integer to x / log 2 and r = x - n log 2, log 2 in two parts (Cody and
    // Waite); the
    // polynomial is Cephes's for float32 (Moshier), 1 unit in the last place.
    static final float LEAST_EXPONENT = -87;
    private static final float MOST_EXPONENT = 88;
    private static final float LOG2_E = 1.442695f;
    /** 1.5 * 2^23: adding it rounds to an integer, which then stands in the lowest bits. */
    private static final float ROUNDING = 12582912f;

    private static final float LOG_2_HIGH = 0.6933594f;
    private static final float LOG_2_LOW = -2.12194440e-4f;
    private static final float C5 = 0.00019875691f;
    private static final float C4 = 0.0013981999f;
    private static final float C3 = 0.008333452f;
    private static final float C2 = 0.041665796f;
    private static final float C1 = 0.16666666f;
    private static final float C0 = 0.5f;

    static {
        // Before any kernel is compiled: all of them use this class.
        Inlining.separateKernels();
    }

    private Vectors() {}

    private static VectorShuffle<Float> exchange(int distance) {
        return VectorShuffle.fromOp(FLOATS, lane -> (lane ^ distance) % FLOATS.length());
    }

    static FloatVector load(long address) {
        return FloatVector.fromMemorySegment(FLOATS, MEMORY, address, ORDER);
    }

    static void store(FloatVector vector, long address) {
        TYPE.cast(vector).intoMemorySegment(MEMORY, address, ORDER);
    }

    /** The lanes of the mask; 0 in the others, whose memory is not read. */
    static FloatVector load(long address, VectorMask<Float> mask) {
        return FloatVector.fromMemorySegment(FLOATS, MEMORY, address, ORDER, mask);
    }

    static void store(FloatVector vector, long address, VectorMask<Float> mask) {
        TYPE.cast(vector).intoMemorySegment(MEMORY, address, ORDER, mask);
    }

    static IntVector loadInts(long address) {
        return IntVector.fromMemorySegment(INTS, MEMORY, address, ORDER);
    }

    /** The lanes of the mask; 0 in the others, whose memory is not read. */
    static IntVector loadInts(long address, VectorMask<Integer> mask) {
        return IntVector.fromMemorySegment(INTS, MEMORY, address, ORDER, mask);
    }

    /** Of pairs of bfloat16 numbers those in the low halves, as float32. */
    static FloatVector low(IntVector pairs) {
        return pairs.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    /** Of pairs of bfloat16 numbers those in the high halves, as float32. */
    static FloatVector high(IntVector pairs) {
        return pairs.and(0xffff0000).reinterpretAsFloats();
    }

    static FloatVector zero() {
        return FloatVector.zero(FLOATS);
    }

    static FloatVector all(float number) {
        return FloatVector.broadcast(FLOATS, number);
    }

    /** The number at the address, in all lanes. */
    static FloatVector spread(long address) {
        return FloatVector.broadcast(FLOATS, get(address));
    }

    static float get(long address) {
        return MEMORY.get(ValueLayout.JAVA_FLOAT_UNALIGNED, address);
    }

    static void set(long address, float number) {
        MEMORY.set(ValueLayout.JAVA_FLOAT_UNALIGNED, address, number);
    }

    static void setInt(long address, int number) {
        MEMORY.set(ValueLayout.JAVA_INT_UNALIGNED, address, number);
    }

    static int getInt(long address) {
        return MEMORY.get(ValueLayout.JAVA_INT_UNALIGNED, address);
    }

    static long getLong(long address) {
        return MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, address);
    }

    static void setLong(long address, long number) {
        MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, address, number);
    }

    static double getDouble(long address) {
        return MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, address);
    }

    static void setDouble(long address, double number) {
        MEMORY.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, address, number);
    }

    static void copy(long from, long to, long bytes) {
        MemorySegment.copy(MEMORY, from, MEMORY, to, bytes);
    }

    static void clear(long address, long bytes) {
        MEMORY.asSlice(address, bytes).fill((byte) 0);
    }

    /** bfloat16 numbers as float32. */
    static FloatVector loadHalf(long address) {
        return ((IntVector) ShortVector.fromMemorySegment(SHORTS, MEMORY, address, ORDER)
                        .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0))
                .lanewise(VectorOperators.LSHL, 16)
                .reinterpretAsFloats();
    }

    /** Rounded to nearest even; a NaN that arithmetic makes stays one. */
    static void storeHalf(FloatVector vector, long address) {
        IntVector bits = vector.reinterpretAsInts();
        IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
        IntVector rounded = bits.add(odd).add(0x7fff).lanewise(VectorOperators.LSHR, 16);
        ((ShortVector) rounded.convertShape(VectorOperators.I2S, SHORTS, 0)).intoMemorySegment(MEMORY, address, ORDER);
    }

    /** Rounded to the nearest even number that bfloat16 has. */
    static FloatVector rounded(FloatVector vector) {
        IntVector bits = vector.reinterpretAsInts();
        IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
        return bits.add(odd).add(0x7fff).and(0xffff0000).reinterpretAsFloats();
    }

    static float getHalf(long address) {
        return Float.intBitsToFloat((MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, address) & 0xffff) << 16);
    }

    static void setHalf(long address, float number) {
        MEMORY.set(ValueLayout.JAVA_SHORT_UNALIGNED, address, halfBits(number));
    }

    /** bfloat16's 16 bits, rounded to nearest even. */
    static short halfBits(float number) {
        int bits = Float.floatToRawIntBits(number);
        return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }

    /** The sum of all lanes: lane i with i + 8, then with i + 4, 2 and 1. */
    static float sum(FloatVector vector) {
        FloatVector v = TYPE.cast(vector);
        if (LANES >= 16) {
            v = v.add(v.rearrange(BY_8));
        }
        if (LANES >= 8) {
            v = v.add(v.rearrange(BY_4));
        }
        v = v.add(v.rearrange(BY_2));
        v = v.add(v.rearrange(BY_1));
        return v.lane(0);
    }

    /** The exponential: 0 below -87, and no larger than that of 88. */
    static FloatVector exp(FloatVector x) {
        FloatVector c = x.max(LEAST_EXPONENT).min(MOST_EXPONENT);
        FloatVector t = c.fma(all(LOG2_E), all(ROUNDING));
        FloatVector n = t.sub(ROUNDING);
        FloatVector r = n.fma(all(-LOG_2_LOW), n.fma(all(-LOG_2_HIGH), c));
        FloatVector p = r.fma(all(C5), all(C4));
        p = p.fma(r, all(C3));
        p = p.fma(r, all(C2));
        p = p.fma(r, all(C1));
        p = p.fma(r, all(C0));
        p = p.fma(r.mul(r), r.add(1f));
        FloatVector y = p.reinterpretAsInts()
                .add(t.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23))
                .reinterpretAsFloats();
        return y.blend(0f, x.compare(VectorOperators.LT, LEAST_EXPONENT));
    }

    /** {@link #exp(FloatVector)} of one number. */
    static float exp(float x) {
        if (x < LEAST_EXPONENT) {
            return 0;
        }
        float c = Math.min(x, MOST_EXPONENT);
        float t = Math.fma(c, LOG2_E, ROUNDING);
        float n = t - ROUNDING;
        float r = Math.fma(n, -LOG_2_LOW, Math.fma(n, -LOG_2_HIGH, c));
        float p = Math.fma(r, C5, C4);
        p = Math.fma(p, r, C3);
        p = Math.fma(p, r, C2);
        p = Math.fma(p, r, C1);
        p = Math.fma(p, r, C0);
        p = Math.fma(p, r * r, r + 1f);
        return Float.intBitsToFloat(Float.floatToRawIntBits(p) + (Float.floatToRawIntBits(t) << 23));
    }
}

package org.minpro.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Native memory of a test, with guards behind each piece that no kernel may touch. */
final class Memory implements AutoCloseable {
    private static final int GUARD = 64;
    private static final byte UNTOUCHED = 0x5a;

    private final Arena arena = Arena.ofShared();
    private final java.util.List<MemorySegment> guards = new java.util.ArrayList<>();

    /** Memory that holds NaN. */
    long bytes(long count) {
        MemorySegment segment = arena.allocate(count + GUARD, 64);
        segment.fill((byte) 0xff);
        MemorySegment guard = segment.asSlice(count);
        guard.fill(UNTOUCHED);
        guards.add(guard);
        return segment.address();
    }

    long floats(long count) {
        return bytes(4 * count);
    }

    long of(float... numbers) {
        long address = floats(numbers.length);
        Vectors.MEMORY.asSlice(address, 4L * numbers.length).copyFrom(MemorySegment.ofArray(numbers));
        return address;
    }

    long of(double[] numbers) {
        return of(narrowed(numbers));
    }

    /** As float32, or rounded to bfloat16. */
    long of(boolean half, double[] numbers) {
        if (!half) {
            return of(numbers);
        }
        long address = bytes(2L * numbers.length);
        for (int i = 0; i < numbers.length; i++) {
            Vectors.setHalf(address + 2L * i, (float) numbers[i]);
        }
        return address;
    }

    long of(long[] numbers) {
        long address = bytes(8L * numbers.length);
        Vectors.MEMORY.asSlice(address, 8L * numbers.length).copyFrom(MemorySegment.ofArray(numbers));
        return address;
    }

    /** Room for a result. */
    long results(boolean half, int count) {
        return bytes((half ? 2L : 4L) * count);
    }

    static float[] floats(long address, int count) {
        return Vectors.MEMORY.asSlice(address, 4L * count).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
    }

    static double[] read(boolean half, long address, int count) {
        double[] numbers = new double[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = half ? Vectors.getHalf(address + 2L * i) : Vectors.get(address + 4L * i);
        }
        return numbers;
    }

    static float[] narrowed(double[] numbers) {
        float[] narrowed = new float[numbers.length];
        for (int i = 0; i < numbers.length; i++) {
            narrowed[i] = (float) numbers[i];
        }
        return narrowed;
    }

    /** Normal numbers that float32 (or bfloat16) has. */
    static double[] normals(SplittableRandom random, boolean half, int count) {
        double[] numbers = new double[count];
        for (int i = 0; i < count; i++) {
            float number = (float) random.nextGaussian();
            numbers[i] = half ? rounded(number) : number;
        }
        return numbers;
    }

    static float rounded(float number) {
        return Float.intBitsToFloat((Vectors.halfBits(number) & 0xffff) << 16);
    }

    /** {@code |a - b| / |b|} over all entries; 0 for two zeros. */
    static double distance(double[] found, double[] expected) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += (found[i] - expected[i]) * (found[i] - expected[i]);
            norm += expected[i] * expected[i];
        }
        return difference == 0 ? 0 : Math.sqrt(difference / Math.max(norm, 1e-30));
    }

    static boolean sameBits(float[] one, float[] other) {
        return Arrays.equals(one, other);
    }

    /** Fails where a kernel wrote behind its memory. */
    void checkGuards() {
        for (MemorySegment guard : guards) {
            for (long i = 0; i < guard.byteSize(); i++) {
                if (guard.get(ValueLayout.JAVA_BYTE, i) != UNTOUCHED) {
                    throw new AssertionError("a kernel wrote " + i + " bytes behind its memory");
                }
            }
        }
    }

    @Override
    public void close() {
        try {
            checkGuards();
        } finally {
            arena.close();
        }
    }
}

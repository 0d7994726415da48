package org.minpro.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A thread's memory for a few rows, such as those of bfloat16 that are computed in float32: they stay in the caches. */
final class RowScratch {
    private static final ThreadLocal<RowScratch> OF_THREAD = ThreadLocal.withInitial(RowScratch::new);
    private static final ThreadLocal<RowScratch> OUTER = ThreadLocal.withInitial(RowScratch::new);
    private static final long LEAST_BYTES = 1L << 16;
    private static final long ALIGNMENT = 64;

    // Reachable from its thread alone, so it is freed after it.
    private MemorySegment memory = MemorySegment.NULL;

    private RowScratch() {}

    /** The address of so many float32 numbers, until the thread asks again. */
    static long floats(long count) {
        return OF_THREAD.get().address(count);
    }

    /** The same for who calls kernels that ask for memory of their own meanwhile. */
    static long outerFloats(long count) {
        return OUTER.get().address(count);
    }

    private long address(long count) {
        if (memory.byteSize() < 4 * count) {
            long bytes = Math.max(LEAST_BYTES, Long.highestOneBit(4 * count) * 2);
            memory = Arena.ofAuto().allocate(bytes, ALIGNMENT);
        }
        return memory.address();
    }
}

package org.minpro.kernels;

/** What every kernel asks of its arguments before it writes. */
final class Shapes {
    private Shapes() {}

    /** A size that must be at least 1. */
    static void positive(String name, long value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " must be > 0, got: " + value);
        }
    }

    /** A size that must be at least 0. */
    static void notNegative(String name, long value) {
        if (value < 0) {
            throw new IllegalArgumentException(name + " must be >= 0, got: " + value);
        }
    }

    /** Memory that must be there. */
    static void present(String name, long address) {
        if (address == 0) {
            throw new IllegalArgumentException(name + " must be an address, got: 0");
        }
    }

    /** A number that must be finite and positive. */
    static void positive(String name, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be > 0 and finite, got: " + value);
        }
    }

    /** An array that must have so many entries or more. */
    static void length(String name, int length, int least) {
        if (length < least) {
            throw new IllegalArgumentException(name + " must have at least " + least + " entries, got: " + length);
        }
    }

    /** Heads of queries must be shared out evenly among those of keys; a head has two halves. */
    static void heads(int heads, int keyHeads, int headDim) {
        positive("heads", heads);
        positive("key heads", keyHeads);
        positive("head dim", headDim);
        if (heads % keyHeads != 0) {
            throw new IllegalArgumentException(
                    "heads must be a multiple of the key heads (" + keyHeads + "), got: " + heads);
        }
        if (headDim % 2 != 0) {
            throw new IllegalArgumentException("head dim must be even, got: " + headDim);
        }
    }
}

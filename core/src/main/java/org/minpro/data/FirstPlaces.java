package org.minpro.data;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Where each id was first met, by the first 64 bits of the id's SHA-256: 12 bytes a slot, of which up to three
 * quarters are full, where a map of strings takes some 150 an id. Two ids of ten million are taken for one with a chance of 3e-6.
 */
final class FirstPlaces {
    /** No place. */
    static final int NONE = -1;

    private long[] keys = new long[1024];
    private int[] places = new int[1024];
    private int size;

    FirstPlaces() {
        Arrays.fill(places, NONE);
    }

    /** Keeps the place of an id that is new, and returns {@link #NONE}; otherwise its first place. */
    int putIfAbsent(String id, int place) {
        long key = key(id);
        int slot = slot(keys, places, key);
        if (places[slot] != NONE) {
            return places[slot];
        }
        keys[slot] = key;
        places[slot] = place;
        if (++size > keys.length / 4 * 3) {
            grow();
        }
        return NONE;
    }

    /** What an id is told from others by. */
    static long key(String id) {
        return ByteBuffer.wrap(RowMapping.sha256(id)).getLong();
    }

    private void grow() {
        long[] newKeys = new long[keys.length * 2];
        int[] newPlaces = new int[keys.length * 2];
        Arrays.fill(newPlaces, NONE);
        for (int i = 0; i < keys.length; i++) {
            if (places[i] != NONE) {
                int slot = slot(newKeys, newPlaces, keys[i]);
                newKeys[slot] = keys[i];
                newPlaces[slot] = places[i];
            }
        }
        keys = newKeys;
        places = newPlaces;
    }

    /** The slot of a key, or the free one where it belongs. */
    private static int slot(long[] keys, int[] places, long key) {
        int slot = (int) key & (keys.length - 1);
        while (places[slot] != NONE && keys[slot] != key) {
            slot = (slot + 1) & (keys.length - 1);
        }
        return slot;
    }
}

package org.minpro.task;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Which problems of a generated task are kept for evaluation: those whose prompt's SHA-256 begins with a byte below 16, as
 * for one problem in sixteen. It depends on the problem's content alone, so training never meets a held-out problem,
 * whatever the seeds.
 */
final class HeldOut {
    /** Of 256 values of the hash's first byte, those below this one. */
    private static final int BELOW = 16;

    private HeldOut() {}

    static boolean is(String prompt) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(prompt.getBytes(StandardCharsets.US_ASCII));
            return Byte.toUnsignedInt(hash[0]) < BELOW;
        } catch (NoSuchAlgorithmException missing) {
            throw new IllegalStateException("SHA-256 must be part of every Java platform", missing);
        }
    }
}

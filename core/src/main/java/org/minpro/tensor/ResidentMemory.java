package org.minpro.tensor;

import org.bytedeco.javacpp.Pointer;

/**
 * Keeps a process that repeats steps of changing shapes from growing: blocks of other sizes leave holes between each other
 * that the allocator keeps, a little more with every new shape.
 *
 * <p>Free memory goes back to the system when a step has left an eighth more resident than was usual. Not after each
 * step: to fault all of it in again takes a tenth of the step's time.
 */
public final class ResidentMemory {
    private long usual;

    /** To be called after each step, when what it needed is free. */
    public void afterStep() {
        long now = Scope.residentBytes();
        if (usual == 0) {
            usual = now;
        } else if (now > usual + usual / 8) {
            Pointer.trimMemory();
            // What the next step leaves is the new usual: it may need more for good.
            usual = 0;
        }
    }
}

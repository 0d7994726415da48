package org.minpro.tensor;

import java.util.function.LongSupplier;
import org.bytedeco.javacpp.Pointer;

/**
 * Keeps a process that repeats steps of changing shapes from growing: blocks of other sizes leave holes between each other
 * that the allocator keeps, a little more with every new shape.
 *
 * <p>Free memory goes back to the system when a step has left an eighth more resident than was usual. Not after each
 * step: to fault all of it in again takes a tenth of the step's time.
 */
public final class ResidentMemory {
    private final LongSupplier resident;
    private final Runnable trim;
    private long usual;

    public ResidentMemory() {
        this(Scope::residentBytes, Pointer::trimMemory);
    }

    ResidentMemory(LongSupplier resident, Runnable trim) {
        this.resident = resident;
        this.trim = trim;
    }

    /** To be called after each step, when what it needed is free. */
    public void afterStep() {
        long now = resident.getAsLong();
        if (usual == 0) {
            usual = now;
        } else if (now > usual + usual / 8) {
            trim.run();
            // What the next step leaves is the new usual: it may need more for good.
            usual = 0;
        }
    }
}

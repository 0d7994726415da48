package org.minpro.tensor;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.jspecify.annotations.Nullable;

/**
 * The life of native memory: every tensor made in this thread while a scope is the innermost one is freed when that
 * scope closes, unless {@link #keep} handed it to the enclosing scope or {@link Tensor#retain} gave it an owner.
 *
 * <p>Scopes belong to a thread and close in the reverse order of their opening.
 */
public final class Scope implements AutoCloseable {
    private final PointerScope scope;
    private final @Nullable PointerScope enclosing;

    private Scope() {
        Engine.start();
        enclosing = PointerScope.getInnerScope();
        scope = new PointerScope();
    }

    public static Scope open() {
        return new Scope();
    }

    /**
     * Lets a tensor of this scope live until the enclosing scope closes.
     *
     * @throws IllegalStateException if this is the thread's outermost scope; use {@link Tensor#retain} there
     */
    public Tensor keep(Tensor tensor) {
        if (enclosing == null) {
            throw new IllegalStateException(
                    "keep needs an enclosing scope; a tensor with an owner is retained instead");
        }
        enclosing.attach(tensor.value);
        return tensor;
    }

    /** The number of native objects alive in this process: equal before and after a step that leaks nothing. */
    public static long nativeObjects() {
        Engine.start();
        return Pointer.totalCount();
    }

    /** Resident memory of this process in bytes. */
    public static long residentBytes() {
        Engine.start();
        return Pointer.physicalBytes();
    }

    @Override
    public void close() {
        scope.close();
    }
}

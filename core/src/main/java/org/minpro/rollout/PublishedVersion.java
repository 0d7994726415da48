package org.minpro.rollout;

import org.jspecify.annotations.Nullable;
import org.minpro.model.PolicyVersion;

/** The version that an engine samples from, held until another takes its place. Guarded by who has it. */
public final class PublishedVersion {
    private @Nullable PolicyVersion version;

    /** Holds a version in place of the one before. */
    public void set(PolicyVersion next) {
        PolicyVersion before = version;
        version = next.hold();
        if (before != null) {
            before.close();
        }
    }

    /** Holds none any more. */
    public void withdraw() {
        if (version != null) {
            version.close();
            version = null;
        }
    }

    /** The version, or null where there is none; not held once more. */
    public @Nullable PolicyVersion get() {
        return version;
    }

    /**
     * The version, to be closed or held by the caller.
     *
     * @throws IllegalStateException where there is none
     */
    public PolicyVersion required() {
        if (version == null) {
            throw new IllegalStateException(
                    "a policy version must be published before anything is generated, got: none");
        }
        return version;
    }
}

package org.minpro.run;

import org.minpro.experience.IterationListener;

/** Told how a run goes; the console is one, a program may be another. */
public interface RunListener extends IterationListener {
    /** An iteration has ended and is recorded. */
    default void iterationFinished(Trainer.IterationReport report) {}

    /** Something that a person should read, in one line. */
    default void notice(String line) {}
}

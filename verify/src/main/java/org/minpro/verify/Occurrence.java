package org.minpro.verify;

/** Which of several answers in one completion counts. */
public enum Occurrence {
    FIRST,
    LAST
}

package org.minpro.train;

/** How the gradients of several processes are added up. */
public enum Reduce {
    /** Lane by lane in their order: any number of processes gives the bytes of one. */
    ORDERED,
    /** Each process its own lanes first: fewer bytes travel, and the sum is rounded in another order. */
    ALLREDUCE
}

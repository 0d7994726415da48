package org.minpro.data;

import java.util.List;
import java.util.RandomAccess;

/** Problems that stay in their files. {@code forEach} reads each file once from its beginning, where {@code get} seeks a row. */
sealed interface IndexedProblems extends List<Problem>, RandomAccess permits StoredProblems, JoinedProblems {
    /** Those at the given places, which ascend. */
    List<Problem> select(int[] indices);
}

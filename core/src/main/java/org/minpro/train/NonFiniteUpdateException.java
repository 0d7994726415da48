package org.minpro.train;

import java.util.List;

/** An update whose loss or gradient is not a finite number; the weights are those before it. */
public final class NonFiniteUpdateException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient List<TrainingRow> rows;

    NonFiniteUpdateException(String message, List<TrainingRow> rows) {
        super(message);
        this.rows = rows;
    }

    /** The rows of the update. */
    public List<TrainingRow> rows() {
        return rows;
    }
}

package org.minpro.data;

/** Draws the problems of a data set without end, in the order of {@link EpochOrder}. */
public final class DatasetSource implements ProblemSource {
    private final Dataset dataset;
    private final EpochOrder order;

    public DatasetSource(Dataset dataset, long seed) {
        if (dataset.size() == 0) {
            throw new IllegalArgumentException(
                    "dataset must have at least one problem, got: none in " + dataset.name());
        }
        this.dataset = dataset;
        this.order = new EpochOrder(dataset.size(), seed);
    }

    @Override
    public Problem problem(long draw) {
        if (draw < 0) {
            throw new IllegalArgumentException("draw must be >= 0, got: " + draw);
        }
        return dataset.problems().get(order.place(draw));
    }
}

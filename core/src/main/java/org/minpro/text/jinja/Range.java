package org.minpro.text.jinja;

import java.util.AbstractList;

/** A Python range: a list that is never spelled out. */
final class Range extends AbstractList<Object> {
    /** As in jinja2's sandbox. */
    static final int LONGEST = 100_000;

    private final long start;
    private final long stop;
    private final long step;
    private final int size;

    Range(long start, long stop, long step) {
        if (step == 0) {
            throw JinjaException.of("range() arg 3 must not be zero");
        }
        long length = step > 0
                ? Math.ceilDiv(Math.subtractExact(stop, start), step)
                : Math.ceilDiv(Math.subtractExact(start, stop), -step);
        if (length > LONGEST) {
            throw JinjaException.of("a range must have at most " + LONGEST + " items, got: " + length);
        }
        this.start = start;
        this.step = step;
        this.size = (int) Math.max(0, length);
        this.stop = stop;
    }

    /** {@code range[from:to:stride]}, which is a range again. */
    Range slice(long from, long to, long stride) {
        return new Range(start + from * step, start + to * step, step * stride);
    }

    @Override
    public Object get(int index) {
        return Numbers.integer(start + step * index);
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public String toString() {
        return "range(" + start + ", " + stop + (step == 1 ? ")" : ", " + step + ")");
    }
}

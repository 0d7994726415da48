package org.minpro.verify;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Set algebra on unions of intervals. */
final class Regions {
    private static final BigDecimal SAME = new BigDecimal("1e-40");

    private Regions() {}

    static Shape.Region reals() {
        return new Shape.Region(List.of(new Shape.Interval(null, false, null, false)));
    }

    static Shape.Region point(Shape.End end) {
        return new Shape.Region(List.of(new Shape.Interval(end, true, end, true)));
    }

    /** The union as disjoint intervals that cannot be joined. */
    static Shape.Region union(Shape.Region a, Shape.Region b) {
        List<Shape.Interval> all = new ArrayList<>(a.intervals());
        all.addAll(b.intervals());
        all.sort((x, y) -> {
            int order = compareLow(x.low(), y.low());
            return order != 0 ? order : Boolean.compare(y.lowClosed(), x.lowClosed());
        });
        List<Shape.Interval> merged = new ArrayList<>();
        for (Shape.Interval next : all) {
            if (merged.isEmpty()) {
                merged.add(next);
                continue;
            }
            Shape.Interval last = merged.get(merged.size() - 1);
            if (!touches(last, next)) {
                merged.add(next);
                continue;
            }
            int order = compareHigh(last.high(), next.high());
            Shape.End high = order >= 0 ? last.high() : next.high();
            boolean closed = order > 0
                    ? last.highClosed()
                    : order < 0 ? next.highClosed() : last.highClosed() || next.highClosed();
            boolean lowClosed = last.lowClosed() || compareLow(last.low(), next.low()) == 0 && next.lowClosed();
            merged.set(merged.size() - 1, new Shape.Interval(last.low(), lowClosed, high, closed));
        }
        return new Shape.Region(merged);
    }

    private static boolean touches(Shape.Interval first, Shape.Interval second) {
        Shape.End high = first.high();
        Shape.End low = second.low();
        if (high == null || low == null) {
            return true;
        }
        int order = compare(high.value(), low.value());
        return order > 0 || order == 0 && (first.highClosed() || second.lowClosed());
    }

    static Shape.Region intersection(Shape.Region a, Shape.Region b) {
        return complement(union(complement(a), complement(b)));
    }

    static Shape.Region difference(Shape.Region a, Shape.Region b) {
        return intersection(a, complement(b));
    }

    /** The reals that are not in a region. */
    static Shape.Region complement(Shape.Region region) {
        List<Shape.Interval> gaps = new ArrayList<>();
        Shape.End low = null;
        boolean lowClosed = false;
        boolean open = true;
        for (Shape.Interval interval : region.intervals()) {
            if (interval.low() != null) {
                gaps.add(new Shape.Interval(low, lowClosed, interval.low(), !interval.lowClosed()));
            }
            low = interval.high();
            lowClosed = !interval.highClosed();
            if (low == null) {
                open = false;
                break;
            }
        }
        if (open) {
            gaps.add(new Shape.Interval(low, lowClosed, null, false));
        }
        return new Shape.Region(gaps);
    }

    private static int compareLow(Shape.@Nullable End a, Shape.@Nullable End b) {
        if (a == null || b == null) {
            return a == null ? (b == null ? 0 : -1) : 1;
        }
        return compare(a.value(), b.value());
    }

    private static int compareHigh(Shape.@Nullable End a, Shape.@Nullable End b) {
        if (a == null || b == null) {
            return a == null ? (b == null ? 0 : 1) : -1;
        }
        return compare(a.value(), b.value());
    }

    static int compare(BigDecimal a, BigDecimal b) {
        BigDecimal scale = a.abs().max(b.abs());
        return a.subtract(b).abs().compareTo(scale.multiply(SAME)) <= 0 ? 0 : a.compareTo(b);
    }
}

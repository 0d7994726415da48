package org.minpro.data;

import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/** Lists one after the other, without a copy of what is in them: some may stay in their files. */
final class JoinedProblems extends AbstractList<Problem> implements IndexedProblems {
    private final List<List<Problem>> parts;
    /** Where each part begins, and behind them the size. */
    private final int[] starts;

    JoinedProblems(List<List<Problem>> parts) {
        this.parts = parts.stream().filter(part -> !part.isEmpty()).toList();
        starts = new int[this.parts.size() + 1];
        for (int i = 0; i < this.parts.size(); i++) {
            starts[i + 1] = Math.addExact(starts[i], this.parts.get(i).size());
        }
    }

    @Override
    public int size() {
        return starts[parts.size()];
    }

    @Override
    public Problem get(int index) {
        int found = Arrays.binarySearch(starts, index);
        int part = found >= 0 ? found : -found - 2;
        return parts.get(part).get(index - starts[part]);
    }

    @Override
    public void forEach(Consumer<? super Problem> action) {
        parts.forEach(part -> part.forEach(action));
    }

    @Override
    public List<Problem> select(int[] indices) {
        List<List<Problem>> selected = new ArrayList<>();
        int from = 0;
        for (int part = 0; part < parts.size(); part++) {
            int start = starts[part];
            int to = from;
            while (to < indices.length && indices[to] < starts[part + 1]) {
                to++;
            }
            int[] ofPart =
                    Arrays.stream(indices, from, to).map(index -> index - start).toArray();
            selected.add(Dataset.select(parts.get(part), ofPart));
            from = to;
        }
        return new JoinedProblems(selected);
    }
}
